import assert from "node:assert/strict";
import { createApp } from "../app.ts";
import { adminOf, loopback, operator, testApi } from "../../tests/support/api.ts";
import {
  ApiRefusal,
  createApiClient,
  createOperatorClient,
  everyItem,
  expect,
  type Schema,
} from "./mod.ts";

/** A whole API behind a port of this machine and behind the operator's socket. */
async function served() {
  await using undo = new AsyncDisposableStack();
  const api = undo.use(await testApi());
  const app = createApp(api.deps);
  const folder = await Deno.makeTempDir();
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  const socket = `${folder}/api.sock`;
  const tcp = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    (request) => app.fetch(request, loopback),
  );
  undo.defer(() => tcp.shutdown());
  const unix = Deno.serve(
    { path: socket, onListen() {} },
    (request) => app.fetch(request, operator),
  );
  undo.defer(() => unix.shutdown());
  const owned = undo.move();
  return {
    api,
    url: `http://127.0.0.1:${tcp.addr.port}`,
    socket,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

Deno.test("client: over TCP by password, token and API key, and over the Unix socket as the operator", async () => {
  await using given = await served();
  const { api, url, socket } = given;
  const acme = await adminOf(api, "acme");
  const anonymous = createApiClient({ url, tenant: "acme" });
  const login = await expect(anonymous.POST("/api/v1/auth/login", {
    body: { email: acme.email, password: acme.password },
  }));
  assert.ok("access_token" in login);
  const { access_token } = login;
  const client = createApiClient({ url: `${url}/`, token: () => access_token });
  const made = await expect(
    client.POST("/api/v1/wireguard/peers", { body: { name: "ada-laptop", mtu: 1380 } }),
  );
  const peer: Schema<"Peer"> = made.peer;
  assert.deepEqual([peer.name, peer.mtu], ["ada-laptop", 1380]);
  assert.match(made.config ?? "", /PrivateKey/);

  const { key } = await expect(
    client.POST("/api/v1/api-keys", { body: { name: "list", scopes: ["wireguard.read"] } }),
  );
  const program = createApiClient({ url, apiKey: key ?? "" });
  const path = { id: peer.id };
  const seen = await expect(program.GET("/api/v1/wireguard/peers/{id}", { params: { path } }));
  assert.equal(seen.address, peer.address);

  using root = createOperatorClient(socket);
  const header = { "X-Tenant-ID": "acme" };
  const listed = await everyItem((query) =>
    root.GET("/api/v1/wireguard/peers", { params: { header, query: { ...query, limit: 1 } } })
  );
  assert.deepEqual(listed.map(({ id }) => id), [peer.id]);
  for (let n = 0; n < 2; n++) await adminOf(api, `more-${n}`);
  const tenants = await everyItem((query) =>
    root.GET("/api/v1/tenants", { params: { query: { ...query, limit: 1 } } })
  );
  assert.deepEqual(tenants.map(({ slug }) => slug), ["acme", "more-0", "more-1"]);
});

Deno.test("client: a refusal is thrown with its code and request id, and names no secret", async () => {
  await using given = await served();
  const acme = await adminOf(given.api, "acme");
  const client = createApiClient({ url: given.url, token: acme.token });
  const refusal = async (call: Promise<unknown>) => {
    const error = await call.then(() => assert.fail("it was not refused"), (error) => error);
    assert.ok(error instanceof ApiRefusal, String(error));
    assert.ok(!Deno.inspect(error).includes(acme.token));
    return error;
  };
  const id = crypto.randomUUID();
  const params = { path: { id } };
  const unknown = await refusal(expect(client.GET("/api/v1/wireguard/peers/{id}", { params })));
  assert.deepEqual([unknown.code, unknown.problem.status], ["not_found", 404]);
  assert.ok(unknown.problem.request_id.length >= 8);
  const body = { name: "\u0007" };
  const invalid = await refusal(expect(client.POST("/api/v1/wireguard/peers", { body })));
  assert.deepEqual(invalid.problem.errors?.map(({ path }) => path), ["name"]);
  const nobody = createApiClient({ url: given.url, token: "wrong" });
  assert.equal((await refusal(expect(nobody.GET("/api/v1/auth/me")))).code, "invalid_token");
});

Deno.test("client: follows no redirect with its credentials, waits no longer than told, and takes no stranger for the API", async () => {
  const asked: string[] = [];
  const { promise: never, resolve } = Promise.withResolvers<Response>();
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const { pathname } = new URL(request.url);
    asked.push(`${pathname} ${request.headers.get("authorization")}`);
    if (pathname === "/api/v1/auth/me") return Response.redirect(new URL("/stolen", request.url));
    if (pathname === "/api/v1/info") return never;
    return new Response("<html>", { headers: { "Content-Type": "text/html" } });
  });
  const url = `http://127.0.0.1:${server.addr.port}`;
  const client = createApiClient({ url, token: "secret" });
  const impatient = createApiClient({ url, token: "secret", timeoutMs: 200 });
  await assert.rejects(expect(client.GET("/api/v1/auth/me")), TypeError);
  await assert.rejects(expect(impatient.GET("/api/v1/info")), { name: "TimeoutError" });
  await assert.rejects(expect(client.GET("/api/v1/users/me")), SyntaxError);
  resolve(new Response());
  assert.ok(!asked.some((each) => each.startsWith("/stolen")), asked.join());
});

Deno.test("docs/guide.md: its example of the client does what it says", async () => {
  await using given = await served();
  const acme = await adminOf(given.api, "acme");
  const guide = await Deno.readTextFile(new URL("../../docs/guide.md", import.meta.url));
  const [, example] = /```ts\n(\/\/ peers\.ts[^]*?)```/.exec(guide) ?? [];
  assert.ok(example);
  const mod = new URL("./mod.ts", import.meta.url).href;
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/peers.ts`;
    await Deno.writeTextFile(file, example.replace('"./api/client/mod.ts"', JSON.stringify(mod)));
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-check", "-c", config, "--allow-net=127.0.0.1", "--allow-env", file],
      env: { API: given.url, EMAIL: acme.email, PASSWORD: acme.password, NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.ok(success, text(stderr));
    assert.match(text(stdout), /^ada-laptop 10\.10\.0\.\d+ pending\n$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
