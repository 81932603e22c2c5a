import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { createApp } from "../../api/app.ts";
import { operator, testApi } from "../../tests/support/api.ts";
import { firstStart } from "./first_start.ts";

/** An API on an operator's socket, and the one folder that a first start writes to. */
async function world() {
  const api = await testApi();
  const root = await Deno.makeTempDir({ prefix: "massacorp-first-" });
  const socket = `${root}/api.sock`;
  const app = createApp(api.deps);
  let crashes = false;
  const server = Deno.serve({
    path: socket,
    onListen: () => {},
    onError: () => new Response(null, { status: 502 }),
  }, async (request) => {
    const answer = await app.fetch(request, operator);
    if (crashes && request.method === "POST") throw new Error("the answer was lost");
    return answer;
  });
  return {
    api,
    root,
    /** From now on what is asked for happens, and its answer is lost. */
    crash: (does: boolean) => crashes = does,
    start: () =>
      firstStart(socket, { folder: { admin: root }, adminEmail: "admin@massacorp.internal" }),
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      await api[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}

Deno.test("firstStart: once its password was shown, later starts have nothing to say", async () => {
  await using given = await world();
  const first = await given.start();
  ok(first && "shown" in first);
  await first.shown();
  equal(await given.start(), undefined);
});

Deno.test("firstStart: cut off before the password was shown, it says so until there is another admin", async () => {
  await using given = await world();
  given.crash(true);
  await rejects(given.start(), /answered 502/);
  given.crash(false);
  const note = `${given.root}/password-not-shown`;
  deepEqual(await given.start(), { note });
  equal(((await Deno.stat(note)).mode ?? 0) & 0o777, 0o600);
  // What it tells the operator to do.
  const email = "you@example.com";
  const made = await given.api.request("/api/v1/users", {
    tenant: "platform",
    body: { email, role: "admin" },
  });
  const login = await given.api.request("/api/v1/auth/login", {
    tenant: "platform",
    body: { email, password: made.body.password },
  });
  equal(login.status, 200, login.text);
  await Deno.remove(note);
  equal(await given.start(), undefined);
});

Deno.test("firstStart: cut off before anything was made, the next one is a first start", async () => {
  await using given = await world();
  await given.api.db.owner`alter table tenants add constraint test_fails check (false) not valid`;
  await rejects(given.start(), /answered 500/);
  await given.api.db.owner`alter table tenants drop constraint test_fails`;
  const first = await given.start();
  ok(first && "admin" in first && first.admin.password);
});
