import assert from "node:assert/strict";
import { adminOf, type Persona, type Reply, testApi, userOf } from "../../../tests/support/api.ts";
import { keyList, keyRevoke } from "../../cli/api_key.ts";
import type { Command } from "../../cli/command.ts";
import { clientOf } from "../../../tests/support/client.ts";
import { keyStatus, makeKey, withKey } from "../../../tests/support/api_key_calls.ts";

Deno.test("api keys: a key does what its scopes say and its maker may, at each moment", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  const beyond = await api.request("/api/v1/api-keys", {
    token: manager.token,
    body: { name: "x", scopes: ["wireguard.read", "tenant.write"] },
  });
  assert.deepEqual([beyond.status, beyond.body.code], [403, "grant_exceeds_own"]);
  const platform = await api.request("/api/v1/api-keys", {
    token: acme.token,
    body: { name: "x", scopes: ["wireguard.read", "platform.tenants"] },
  });
  assert.deepEqual([platform.status, platform.body.errors?.[0].path], [422, "scopes.1"]);
  const { key } = await makeKey(api, manager, { scopes: ["wireguard.read", "users.write"] });
  assert.equal(await keyStatus(api, key), 200);
  assert.equal(await keyStatus(api, key, "/api/v1/tenants/current"), 403);
  // The scopes shrink with their maker.
  await api.db.owner`
    update user_roles h set role_id = r.id from roles r
    where h.user_id = ${manager.userId} and r.tenant_id = h.tenant_id and r.name = 'user'`;
  assert.equal(await keyStatus(api, key), 403);
  await api.db.owner`update users set status = 'inactive' where id = ${manager.userId}`;
  assert.equal(await keyStatus(api, key), 401);
});

Deno.test("api keys: D3: an end in the past, or beyond what a date can say, is refused with its field", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  for (
    const [expires_at, code] of [
      [new Date(api.clock.now()).toISOString(), "in_the_past"],
      ["9999-12-31T23:59:59-14:00", "too_late"],
    ]
  ) {
    const refused = await api.request("/api/v1/api-keys", {
      token: acme.token,
      body: { name: "x", scopes: ["users.read"], expires_at },
    });
    const [error] = refused.body.errors ?? [];
    assert.deepEqual([refused.status, error?.path, error?.code], [422, "expires_at", code]);
  }
  assert.equal((await api.db.owner`select from api_keys`).length, 0);
});

Deno.test("api keys: an account is its user's own affair, and no key makes a key", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const scopes = ["wireguard.read", "users.read", "users.write", "api_keys.read", "api_keys.write"];
  const { key, id } = await makeKey(api, acme, { scopes });
  for (
    const [method, path, body] of [
      ["GET", "/auth/me"],
      ["GET", "/sessions"],
      ["DELETE", "/sessions"],
      ["POST", "/auth/logout", {}],
      ["GET", "/wireguard/me/peers"],
      ["GET", "/api-keys"],
      ["POST", "/api-keys", { name: "x", scopes }],
      ["POST", `/api-keys/${id}/rotate`, {}],
      ["DELETE", `/api-keys/${id}`],
    ] as const
  ) {
    const reply = await api.request(`/api/v1${path}`, { ...withKey(key), method, body });
    assert.deepEqual([reply.status, reply.body.code], [403, "forbidden"], `${method} ${path}`);
  }
});

Deno.test("api keys: a limit of its own, and fifty at most", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { key } = await makeKey(api, acme, { rate_limit: 3 });
  const replies: Reply[] = [];
  for (let n = 0; n < 4; n++) {
    replies.push(await api.request("/api/v1/wireguard/peers", withKey(key)));
  }
  assert.deepEqual(replies.map((reply) => reply.status), [200, 200, 200, 429]);
  assert.match(replies[0]?.headers.get("ratelimit") ?? "", /^"api-key";r=2;t=\d+$/);
  const all = await Promise.all(
    Array.from({ length: 60 }, () =>
      api.request("/api/v1/api-keys", {
        token: acme.token,
        body: { name: "x", scopes: ["users.read"] },
      })),
  );
  assert.equal(all.filter((reply) => reply.status === 201).length, 49);
  assert.deepEqual(
    [...new Set(all.filter((reply) => reply.status !== 201).map((reply) => reply.body.code))],
    ["too_many_keys"],
  );
  // What has ended leaves room, and what is revoked gets no new secret.
  const ended: Reply[] = [];
  for (const end of ["revoked_at = now()", "expires_at = created_at + interval '1 ms'"]) {
    const [row] = await api.db.owner.unsafe(`
      update api_keys set ${end} where id = (
        select id from api_keys where revoked_at is null and expires_at is null limit 1) returning id`);
    api.clock.advance(1);
    await makeKey(api, acme);
    ended.push(
      await api.request(`/api/v1/api-keys/${row?.id}/rotate`, { token: acme.token, body: {} }),
    );
    const more = { token: acme.token, body: { name: "x", scopes: ["users.read"] } };
    assert.equal((await api.request("/api/v1/api-keys", more)).body.code, "too_many_keys");
  }
  assert.deepEqual(ended[0]?.body.code, "key_revoked");
});

Deno.test("api keys: one's own, and everybody's by the permission alone, which rotates none", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "b@acme.example", role: "manager" });
  const [hers, his] = [await makeKey(api, acme), await makeKey(api, bob)];
  const ask = async (who: Persona, method: string, path: string, body?: unknown) => {
    const reply = await api.request(`/api/v1/api-keys${path}`, { token: who.token, method, body });
    return reply.body.items?.map(({ id }: { id: string }) => id) ?? reply.body.code ??
      reply.status;
  };
  assert.deepEqual(await ask(bob, "GET", ""), [his.id]);
  // In the order of their ids, which within one millisecond is chance.
  assert.deepEqual(await ask(acme, "GET", ""), [hers.id, his.id].sort());
  for (
    const [method, path] of [
      ...[["GET", ""], ["GET", "/usage"], ["DELETE", ""], ["POST", "/rotate"]],
    ] as const
  ) {
    const body = method === "POST" ? {} : undefined;
    assert.equal(await ask(bob, method, `/${hers.id}${path}`, body), "not_found", method + path);
  }
  assert.equal(await ask(acme, "POST", `/${his.id}/rotate`, {}), "not_found");
  assert.deepEqual([await keyStatus(api, hers.key), await keyStatus(api, his.key)], [200, 200]);
  assert.equal(await ask(acme, "GET", `/${his.id}`), 200);
  assert.equal(await ask(acme, "DELETE", `/${his.id}`), 200);
  assert.deepEqual([await keyStatus(api, hers.key), await keyStatus(api, his.key)], [200, 401]);
});

Deno.test("api keys: the operator sees and revokes those of the tenant he names by key:list and key:revoke, and makes none", async () => {
  await using api = await testApi();
  const [acme, globex] = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const mine = await makeKey(api, acme);
  const other = await makeKey(api, globex);
  const asOperator = clientOf(api);
  const run = async (command: Command, values: Record<string, string>) =>
    (await command.run({ api: asOperator, values, positionals: [] })).text;
  const list = await run(keyList, { tenant: "acme" });
  assert(list.includes(mine.id) && !list.includes(other.id));
  // The secret's own alphabet has an underscore.
  const secret = mine.key.split("_").slice(2).join("_");
  assert(!list.includes(secret), "the prefix alone");
  await assert.rejects(run(keyRevoke, { tenant: "acme", key: other.id }), /not_found/);
  assert.match(await run(keyRevoke, { tenant: "acme", key: mine.id }), /is revoked$/);
  assert.deepEqual([await keyStatus(api, mine.key), await keyStatus(api, other.key)], [401, 200]);
  const [entry] = await api.db.owner`
    select actor, actor_user_id from audit_log where action = 'api_key.revoke'`;
  assert.deepEqual({ ...entry }, { actor: "operator", actor_user_id: null });
  const made = await api.request("/api/v1/api-keys", {
    tenant: "acme",
    body: { name: "x", scopes: ["users.read"] },
  });
  assert.equal(made.status, 403);
  assert.equal((await api.request("/api/v1/api-keys")).body.code, "tenant_required");
});
