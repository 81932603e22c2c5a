import assert from "node:assert/strict";
import {
  adminOf,
  as,
  logIn,
  operator,
  type Reply,
  type RequestOptions,
  superadminOf,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { makeKey } from "../../../tests/support/api_key_calls.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import { post } from "../../../tests/support/mfa_calls.ts";
import { createPeer } from "../../../tests/support/peer_calls.ts";
import { putPolicy } from "../../../tests/support/policy_calls.ts";
import { waitersOnLocks } from "../../../tests/support/session_calls.ts";
import { codeAt, equip, logInWithMfa, nextCode } from "../../../tests/support/totp.ts";
import type { Permission } from "../../auth/permissions.ts";
import { asTenantId } from "../../database/tenancy.ts";
import { holdCaller } from "../sessions/mod.ts";

Deno.test("step-up: A3: of fifty at once with one code, from several sessions, one session is stepped up", async () => {
  await using api = await testApi();
  await using neighbour = await testApi({ beside: api });
  const ada = await equip(api, await adminOf(api, "acme"));
  const sessions = [ada];
  for (let n = 0; n < 3; n++) sessions.push(await logInWithMfa(api, ada));
  // What the log-ins proved is over, and their tokens are still good.
  api.clock.advance(5 * 60_000 + 1);
  const exported = ({ token }: { token: string }) =>
    api.request("/api/v1/audit/export?format=csv", as({ token }));
  for (const each of sessions) assert.equal((await exported(each)).status, 403);
  const code = nextCode(api, ada);
  const replies = await Promise.all(Array.from({ length: 50 }, (_, n) => {
    const who = sessions[n % sessions.length] ?? ada;
    const path = n % 3 === 0 ? "/auth/step-up" : "/mfa/verify";
    // The operator's socket is no source that is held back: the user's own limit is what is left.
    return post(n % 2 ? api : neighbour, who, path, { code }, operator);
  }));
  assert.deepEqual(
    [200, 401, 429].map((status) => replies.filter((reply) => reply.status === status).length),
    [1, 4, 45],
  );
  const may = await Promise.all(sessions.map(async (each) => (await exported(each)).status));
  assert.deepEqual(may.toSorted(), [200, 403, 403, 403]);
  const [entries] = await api.db.owner`
    select count(*)::integer as n from audit_log where action = 'auth.step_up' and outcome = 'succeeded'`;
  assert.equal(entries?.n, 1);
});

Deno.test("step-up: A1: of what was under way while its session was ended, nothing outlives it", async (t) => {
  await using api = await testApi();
  const owner = await adminOf(api, "acme");
  const key = await makeKey(api, owner);

  async function refused(name: string, held: Held, ask: Ask) {
    await t.step(name, async () => {
      const { reply, before } = await endedMeanwhile(api, owner.token, held, ask);
      assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], reply.text);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
  const thief = async () => (await logIn(api, owner)).token;

  let token = await thief();
  await refused(
    "a new API key",
    "users",
    () => post(api, { token }, "/api-keys", { name: "late", scopes: ["users.read"] }),
  );
  token = await thief();
  await refused(
    "a new secret of a key",
    "api_keys",
    () => post(api, { token }, `/api-keys/${key.id}/rotate`, {}),
  );
  token = await thief();
  await refused(
    "a step-up by password",
    "users",
    () => post(api, { token }, "/auth/step-up", { password: owner.password }),
  );
  token = await thief();
  const { secret } = (await post(api, { token }, "/mfa/setup")).body;
  await refused(
    "a second factor of the thief's",
    "users",
    () => post(api, { token }, "/mfa/enable", { code: codeAt(secret, api.clock.now()) }),
  );
  const equipped = await equip(api, owner);
  ({ token } = await logInWithMfa(api, equipped));
  const code = nextCode(api, equipped);
  await refused(
    "a step-up by code",
    "mfa_factors",
    () => post(api, { token }, "/auth/step-up", { code }),
  );
  const used = await post(api, owner, "/auth/step-up", { code });
  assert.equal(used.status, 200, "the code was not used up by what was refused");
});

Deno.test("users, roles, invitations: A1: nobody is let in, or may do more, by what was under way while its session or key ended", async (t) => {
  await using api = await testApi();
  const owner = await adminOf(api, "acme");
  const other = await userOf(api, owner, { email: "other@acme.example" });
  const made = await post(api, owner, "/roles", { name: "made", permissions: ["users.read"] });
  assert.equal(made.status, 201, made.text);
  const key = await makeKey(api, owner, { scopes: ["users.read", "users.write"] });
  const thief = async () => (await logIn(api, owner)).token;
  let token = "";
  const put = (path: string, body: unknown) =>
    api.request(`/api/v1${path}`, as({ token }, { method: "PUT", body }));
  const user = { email: "late@acme.example", role: "user" };
  const guest = { ...user, email: "guest@acme.example" };
  const keys = { ...user, email: "key@acme.example" };
  const asks: [string, Held, Ask][] = [
    ["a user", "roles", () => post(api, { token }, "/users", user)],
    ["an invitation", "roles", () => post(api, { token }, "/users/invitations", guest)],
    [
      "a role given",
      "roles",
      () => post(api, { token }, `/users/${other.userId}/roles`, { role_id: made.body.id }),
    ],
    [
      "a role that permits more",
      "roles",
      () => put(`/roles/${made.body.id}`, { name: "made", permissions: ["users.write"] }),
    ],
    [
      "another address",
      "users",
      () => put(`/users/${other.userId}`, { email: "new@acme.example" }),
    ],
  ];
  for (const [name, held, ask] of asks) {
    await t.step(name, async () => {
      token = await thief();
      const { reply, before } = await endedMeanwhile(api, owner.token, held, ask);
      assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], reply.text);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
  await t.step("a user, by a key that was revoked", async () => {
    // Use of a key is written every few seconds.
    const except = ["api_key_usage", "api_keys"];
    const { asked, before } = await api.db.owner.begin(async (sql) => {
      await sql`select from roles for update`;
      const asked = api.request("/api/v1/users", { body: keys, headers: { "X-API-Key": key.key } });
      await waitersOnLocks(api, 1);
      const revoked = await api.request(
        `/api/v1/api-keys/${key.id}`,
        as(owner, { method: "DELETE" }),
      );
      assert.equal(revoked.status, 200, revoked.text);
      return { asked: { reply: asked }, before: await databaseDigest(api.db, { except }) };
    });
    const reply = await asked.reply;
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], reply.text);
    assert.deepEqual(await databaseDigest(api.db, { except }), before);
  });
});

Deno.test("peers, policy, roles, settings: A1: no way in is made, or opened again, by what was under way while its session ended", async (t) => {
  await using api = await testApi();
  const owner = await adminOf(api, "acme");
  const gone = await userOf(api, owner, { email: "gone@acme.example" });
  const other = await equip(api, await userOf(api, owner, { email: "other@acme.example" }));
  await api.db.owner`update users set mfa_required = true where id = ${other.userId}`;
  const { peer } = await createPeer(api, owner);
  const { peer: off } = await createPeer(api, owner);
  for (const path of [`/wireguard/peers/${off.id}/disable`, `/users/${gone.userId}/deactivate`]) {
    assert((await post(api, owner, path)).status < 300, path);
  }
  assert.equal(
    (await putPolicy(api, owner, { peer_to_peer: false, services: [], routes: [] })).status,
    200,
  );
  let token = "";
  const ask = (method: string, path: string, body?: unknown) => () =>
    api.request(`/api/v1${path}`, as({ token }, { method, body }));
  const asks: [string, Held, Ask][] = [
    ["a role", "permissions", ask("POST", "/roles", { name: "late", permissions: ["users.read"] })],
    ["a peer", "wg_ip_pool", ask("POST", "/wireguard/peers", { name: "late" })],
    ["a peer of one's own", "wg_ip_pool", ask("POST", "/wireguard/me/peers", { name: "late" })],
    [
      "peers in bulk",
      "wg_ip_pool",
      ask("POST", "/wireguard/peers/bulk", { peers: [{ name: "late" }] }),
    ],
    ["a peer that waits for its turn", "turn", ask("POST", "/wireguard/peers", { name: "late" })],
    ["new keys", "wg_peers", ask("POST", `/wireguard/peers/${peer.id}/rotate`, {})],
    [
      "another owner",
      "wg_peers",
      ask("PATCH", `/wireguard/peers/${peer.id}`, { user_id: other.userId }),
    ],
    ["a peer enabled again", "wg_peers", ask("POST", `/wireguard/peers/${off.id}/enable`)],
    [
      "a policy",
      "wg_policies",
      ask("PUT", "/wireguard/policy", { peer_to_peer: true, services: [], routes: [] }),
    ],
    ["a user activated again", "users", ask("POST", `/users/${gone.userId}/activate`)],
    ["settings", "tenants", ask("PATCH", "/tenants/current", { registration: "open" })],
    [
      "a second factor taken away",
      "mfa_factors",
      ask("POST", `/users/${other.userId}/mfa/reset`, { reason: "lost" }),
    ],
    [
      "a second factor demanded no longer",
      "users",
      ask("PUT", `/users/${other.userId}/mfa`, { required: false }),
    ],
  ];
  for (const [name, held, ask] of asks) {
    await t.step(name, async () => {
      token = (await logIn(api, owner)).token;
      const { reply, before } = await endedMeanwhile(api, owner.token, held, ask);
      assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], name);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
});

Deno.test("holdCaller: A1: nobody is let in by what was under way while the right to it was taken away", async (t) => {
  await using api = await testApi();
  const owner = await adminOf(api, "acme");
  const ada = await userOf(api, owner, { email: "ada@acme.example", role: "manager" });
  const permissions = ["users.read", "users.write"];
  const role = { name: "doors", permissions };
  const made = await post(api, owner, "/roles", role);
  assert.equal(made.status, 201, made.text);
  const roleId: number = made.body.id;
  const given = () => post(api, owner, `/users/${ada.userId}/roles`, { role_id: roleId });
  assert.equal((await given()).status, 201);
  const key = await makeKey(api, ada, { scopes: permissions });
  const late = { email: "late@acme.example", role: "user" };
  const [manager] = await api.db.owner`
    select id from roles where system = 'manager' and tenant_id = ${owner.tenantId}`;
  await takes(`/users/${ada.userId}/roles/${manager?.id}`, "DELETE");

  async function takes(path: string, method: string, body?: unknown): Promise<void> {
    const reply = await api.request(`/api/v1${path}`, as(owner, { method, body }));
    assert.equal(reply.status, 200, reply.text);
  }
  const proofs: [string, RequestOptions][] = [
    ["a session", as(ada, { body: late })],
    ["a key", { body: late, headers: { "X-API-Key": key.key } }],
  ];
  const ends: [string, () => Promise<void>, () => Promise<unknown>][] = [
    ["taken away", () => takes(`/users/${ada.userId}/roles/${roleId}`, "DELETE"), given],
    [
      "narrowed",
      () => takes(`/roles/${roleId}`, "PUT", { ...role, permissions: ["users.read"] }),
      () => takes(`/roles/${roleId}`, "PUT", role),
    ],
  ];
  for (const [proof, options] of proofs) {
    for (const [what, end, restore] of ends) {
      await t.step(`${proof}, whose role is ${what}`, async () => {
        const except = ["api_key_usage", "api_keys"];
        const { asked, before } = await api.db.owner.begin(async (sql) => {
          // The role that the new user gets.
          await sql`select from roles where system = 'user' for update`;
          const asked = api.request("/api/v1/users", options);
          await waitersOnLocks(api, 1);
          await end();
          return { asked: { reply: asked }, before: await databaseDigest(api.db, { except }) };
        });
        const reply = await asked.reply;
        const after = await databaseDigest(api.db, { except });
        await restore();
        assert.deepEqual([reply.status, reply.body.code], [403, "forbidden"], reply.text);
        // A refusal for a missing permission is a line of the audit log.
        assert.deepEqual({ ...after, audit_log: before.audit_log }, before);
      });
    }
  }
});

Deno.test("tenants, grants, imports: A1: nor is it by what a superadmin had under way while his session ended", async (t) => {
  await using api = await testApi();
  const owner = await superadminOf(api);
  const { tenantId: acme } = await adminOf(api, "acme");
  assert.equal((await post(api, owner, `/tenants/${acme}/suspend`)).status, 200);
  let token = "";
  const ask = (path: string, body?: unknown) => () =>
    api.request(`/api/v1${path}`, as({ token }, { method: "POST", body }));
  const passwordHash = `$2b$10$${"x".repeat(53)}`;
  const asks: [string, Held, Ask][] = [
    [
      "a user with a password that was brought",
      "roles",
      ask("/users/import", {
        email: "late@platform.example",
        role: "superadmin",
        password_hash: passwordHash,
      }),
    ],
    [
      "peers with keys that were brought",
      "wg_ip_pool",
      ask("/wireguard/import", {
        apply: true,
        peers: [{ name: "late", public_key: btoa("k".repeat(32)), allowed_ips: ["10.10.0.77/32"] }],
      }),
    ],
    [
      "a grant",
      "reach",
      ask("/wireguard/grants", { name: "late", network: "192.168.7.0/24", protocol: "tcp" }),
    ],
    [
      "a tenant",
      "new tenants",
      ask("/tenants", { slug: "late", name: "Late", admin_email: "late@late.example" }),
    ],
    ["a tenant resumed", "tenants", ask(`/tenants/${acme}/resume`)],
  ];
  for (const [name, held, ask] of asks) {
    await t.step(name, async () => {
      token = (await logIn(api, owner)).token;
      const { reply, before } = await endedMeanwhile(api, owner.token, held, ask);
      assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], reply.text);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
});

Deno.test("holdCaller: A1: an end of a key's owner, or of what he may do, is answered after what his key had begun to hold", async () => {
  await using api = await testApi();
  const owner = await adminOf(api, "acme");
  const ada = await userOf(api, owner, { email: "ada@acme.example", role: "admin" });
  const role = { name: "readers", permissions: ["users.read"] };
  const made = await post(api, owner, "/roles", role);
  const given = await post(api, owner, `/users/${ada.userId}/roles`, { role_id: made.body.id });
  assert.equal(given.status, 201, given.text);
  const key = await makeKey(api, ada, { scopes: ["users.write"] });
  const principal = {
    ...{ kind: "api_key" as const, apiKeyId: key.id, userId: ada.userId, quota: null },
    ...{ tenantId: asTenantId(owner.tenantId), permissions: new Set<Permission>() },
  };
  const ends: [string, string, unknown][] = [
    ["PUT", `/roles/${made.body.id}`, { ...role, permissions: [] }],
    ["DELETE", `/users/${ada.userId}/roles/${made.body.id}`, undefined],
    ["POST", `/users/${ada.userId}/deactivate`, {}],
  ];
  for (const [method, path, body] of ends) {
    const held = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const work = api.deps.tenancy.transaction(principal.tenantId, async (sql) => {
      await holdCaller(sql, principal);
      held.resolve();
      await release.promise;
    });
    await held.promise;
    const ended = api.request(`/api/v1${path}`, as(owner, { method, body }));
    await waitersOnLocks(api, 1);
    release.resolve();
    await work;
    assert.ok((await ended).status < 300, path);
  }
  await assert.rejects(
    api.deps.tenancy.transaction(principal.tenantId, (sql) => holdCaller(sql, principal)),
    { code: "invalid_token" },
  );
});

type Ask = () => Promise<Reply>;
/**
 * A table's rows, or the turn of those who make peers of a tenant, which they take at the commit, or of those who
 * decide what it reaches; or that no tenant is made.
 */
type Held =
  | "turn"
  | "reach"
  | "new tenants"
  | "users"
  | "api_keys"
  | "mfa_factors"
  | "permissions"
  | "roles"
  | "tenants"
  | "wg_ip_pool"
  | "wg_peers"
  | "wg_policies";

/** Asks, and has the owner end all other sessions while that waits for a row. */
async function endedMeanwhile(
  api: TestApi,
  token: string,
  held: Held,
  ask: Ask,
): Promise<{ reply: Reply; before: Record<string, string> }> {
  const { asked, before } = await api.db.owner.begin(async (sql) => {
    if (held === "turn") {
      await sql`select pg_advisory_xact_lock(1, id) from tenants`;
    } else if (held === "new tenants") {
      await sql`lock table tenants in share mode`;
    } else if (held === "reach") {
      await sql`select pg_advisory_xact_lock(hashtext('wg_policies'), id) from tenants`;
    } else {
      // Of a tenant, what refers to it goes on.
      const how = held === "tenants" ? sql`for no key update` : sql`for update`;
      await sql`select from ${sql(held)} ${how}`;
    }
    const asked = ask();
    await waitersOnLocks(api, 1);
    const ended = await api.request(
      "/api/v1/sessions?except_current=true",
      as({ token }, { method: "DELETE" }),
    );
    assert.deepEqual([ended.status, ended.body.sessions_ended], [200, 1], ended.text);
    return { asked: { reply: asked }, before: await databaseDigest(api.db) };
  });
  return { reply: await asked.reply, before };
}
