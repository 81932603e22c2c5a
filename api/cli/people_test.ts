import assert from "node:assert/strict";
import { testApi } from "../../tests/support/api.ts";
import { clientOf } from "../../tests/support/client.ts";
import type { Command } from "./command.ts";
import { CliError } from "./error.ts";
import { peerAdd, peerList, peerRevoke } from "./peer.ts";
import { sessionsRevoke } from "./sessions.ts";
import { tenantCreate, tenantList, tenantResume, tenantSuspend } from "./tenant.ts";
import { userCreate, userDeactivate, userInvite, userList } from "./user.ts";

Deno.test("commands: a tenant and its users, from the first invitation to the suspension", async () => {
  await using api = await testApi();
  const operator = clientOf(api);
  const run = (
    command: Command,
    values: Record<string, string | boolean>,
    ...positionals: string[]
  ) => command.run({ api: operator, values, positionals });
  const folder = await Deno.makeTempDir();
  try {
    const out = `${folder}/enrol.conf`;
    const made = await run(tenantCreate, {
      slug: "acme",
      name: "Acme",
      "admin-email": "ada@acme.example",
      out,
    });
    assert.match(
      made.text,
      /^tenant \d+ \(acme\)\nada@acme\.example is invited as admin until .*\nenrolment peer at 10\.10\.0\.6: pending\nlink, shown this once, opens with that tunnel on: http.*\/accept#tenant=\d+&token=.{43}\ntunnel file: /,
    );
    assert.match(await Deno.readTextFile(out), /^PrivateKey = /m);
    assert.equal(((await Deno.stat(out)).mode ?? 0) & 0o777, 0o600);

    const mailed = await run(userInvite, {
      tenant: "acme",
      email: "eve@acme.example",
      role: "manager",
      locale: "fr",
      mail: true,
    });
    assert.match(mailed.text, /invited as manager .*\n.*\nlink and tunnel file are on their way/);
    assert.doesNotMatch(mailed.text, /token|PrivateKey/);
    const refused = `${folder}/refused.conf`;
    for (const values of [{ email: "eve@acme.example" }, { email: "x", role: "nobody" }]) {
      await assert.rejects(run(userInvite, { tenant: "acme", out: refused, ...values }), CliError);
      await assert.rejects(Deno.stat(refused), Deno.errors.NotFound);
    }
    await assert.rejects(
      run(userInvite, { tenant: "acme", email: "y@acme.example", mail: true, out: refused }),
      /either --mail or --out/,
    );

    await run(userCreate, { tenant: "acme", email: "bob@acme.example" });
    const users = await run(userList, { tenant: "acme" });
    assert.match(users.text, /^ID .*\n(\d+) +bob@acme\.example +active +user +never$/);
    const id = /^(\d+)/m.exec(users.text)?.[1] ?? "";
    const owner = { tenant: "acme", user: id };
    assert.equal((await run(sessionsRevoke, owner)).text, "0 session(s) ended");
    for (const values of [{ user: id }, { ...owner, all: true }, { ...owner, user: "bob" }, {}]) {
      await assert.rejects(run(sessionsRevoke, values), CliError);
    }

    // By name: a lost phone, and who left.
    const bob = { tenant: "acme", user: "Bob@acme.example" };
    const tablet = await run(peerAdd, { ...bob, name: "tablet" });
    await run(peerAdd, { tenant: "acme", name: "twin" });
    await run(peerAdd, { tenant: "acme", name: "twin" });
    const listed = await run(peerList, { tenant: "acme" });
    assert.match(listed.text, new RegExp(`tablet +${id} +1 +\\S+ +pending.* +no +never$`, "m"));
    await assert.rejects(
      run(peerAdd, { tenant: "acme", user: "ob@acme.example", name: "none", out: refused }),
      /no user of acme has the address ob@acme\.example/,
    );
    await assert.rejects(Deno.stat(refused), Deno.errors.NotFound);
    await assert.rejects(run(peerRevoke, { tenant: "acme" }, "twin"), /several peers.*\n.*\n/);
    await assert.rejects(run(peerRevoke, { tenant: "acme" }, "able"), /no peer of acme has/);
    await assert.rejects(run(peerRevoke, { tenant: "acme" }, crypto.randomUUID()), {
      message: "There is no such thing (not_found)",
    });
    const revoked = await run(peerRevoke, { tenant: "acme" }, "tablet");
    assert.match(revoked.text, /^tablet is being revoked: /);
    const [, tabletId = ""] = /^peer (\S+)/.exec(tablet.text) ?? [];
    assert.match(
      (await run(peerList, { tenant: "acme" })).text,
      new RegExp(`${tabletId}.*revoking`),
    );
    // The tablet was not read back gone yet, whoever took it off.
    const gone = await run(userDeactivate, bob);
    assert.equal(gone.failed, true);
    assert.match((await run(userList, { tenant: "acme" })).text, /inactive/);

    const suspended = await run(tenantSuspend, { tenant: "acme" });
    assert.deepEqual([suspended.failed, /has not confirmed/.test(suspended.text)], [true, true]);
    assert.match((await run(tenantList, {})).text, /acme +suspended +Acme/);
    assert.equal((await run(tenantResume, { tenant: "acme" })).text, "acme is active");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
