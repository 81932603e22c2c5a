import assert from "node:assert/strict";
import {
  adminOf,
  as,
  logIn,
  loopback,
  type RequestOptions,
  superadminOf,
  type TestApi,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import { until } from "../../../tests/support/until.ts";

const base = "/api/v1/tenants";

const create = (api: TestApi, slug: string, more = {}, options: RequestOptions = {}) =>
  api.request(base, {
    body: { slug, name: slug, admin_email: `admin@${slug}.example`, ...more },
    ...options,
  });

/** What the daemon does once it has read the interface back without the keys. */
async function daemonProves(api: TestApi): Promise<void> {
  await api.db.owner`delete from wg_peers where deleted_at is not null`;
  await api.db.owner`delete from wg_retired_keys`;
}

Deno.test("tenants: one is made with its first admin's invitation and an enrolment peer, and with no password", async () => {
  await using api = await testApi();
  const made = await create(api, "acme", { admin_name: "Ada", locale: "fr" });
  assert.equal(made.status, 201, made.text);
  const { tenant, invitation, token, link, enrolment, admin } = made.body;
  assert.deepEqual([tenant.slug, tenant.status, admin], ["acme", "active", null]);
  assert.deepEqual([invitation.role, invitation.invited_by, invitation.locale], [
    "admin",
    null,
    "fr",
  ]);
  assert.deepEqual([enrolment.peer.kind, enrolment.peer.status, enrolment.peer.tenant_id], [
    "enrolment",
    "pending",
    tenant.id,
  ]);
  assert(link.includes(token));
  const accepted = await api.request("/api/v1/users/invitations/accept", {
    via: tunnelFrom(enrolment.peer.address),
    tenant: "acme",
    body: { token, password: "Correct-Horse-7-Battery" },
  });
  assert.equal(accepted.status, 201, accepted.text);
  assert.deepEqual([accepted.body.user.roles, accepted.body.user.name], [["admin"], "Ada"]);
  assert.equal((await create(api, "acme")).body.code, "slug_taken");

  const mailed = await create(api, "beta", { delivery: "mail" });
  assert.deepEqual([mailed.body.token, mailed.body.enrolment.config], [null, null]);
  const [mail] = await api.db.owner`select tenant_id, template from mails`;
  assert.deepEqual({ ...mail }, { tenant_id: mailed.body.tenant.id, template: "invitation" });
});

Deno.test("tenants: where the first admin cannot be invited there is no tenant", async () => {
  await using api = await testApi({ gateway: false });
  const failed = await create(api, "acme");
  assert.equal(failed.body.code, "gateway_not_ready");
  assert.deepEqual((await api.request(base)).body.items, []);
  const log = await api.db.owner`select action from audit_log order by id`;
  assert.deepEqual(log.map((row) => row.action), ["tenant.create", "tenant.delete"]);
  assert.equal((await create(api, "acme", { enrolment: false })).status, 201, "the slug is free");
});

Deno.test("tenants: suspended, its tokens, keys, log-ins and peers are refused, and resumed they go on", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const own = await api.request("/api/v1/wireguard/peers", { ...as(acme), body: { name: "p" } });
  const { key } = (await api.request("/api/v1/api-keys", {
    ...as(acme),
    body: { name: "k", scopes: ["users.read"] },
  })).body;
  const suspend = () => api.request(`${base}/${acme.tenantId}/suspend`, { method: "POST" });
  const pending = await suspend();
  assert.deepEqual([pending.status, pending.body.removed, pending.body.tenant.status], [
    202,
    false,
    "suspended",
  ]);
  const statuses = async () => [
    (await api.request("/api/v1/users", as(acme))).status,
    (await api.request("/api/v1/users", { via: loopback, headers: { "x-api-key": key } })).status,
    (await api.request("/api/v1/auth/refresh", {
      via: loopback,
      body: { refresh_token: acme.refreshToken },
    })).status,
  ];
  assert.deepEqual(await statuses(), [401, 401, 401]);
  assert.equal((await api.request("/api/v1/users", as(other))).status, 200);
  await api.db.owner`
    insert into wg_peer_status (tenant_id, peer_id, generation, state)
      select tenant_id, id, generation, 'removed' from wg_peers where id = ${own.body.peer.id}`;
  assert.deepEqual([(await suspend()).status, (await suspend()).body.removed], [200, true]);
  const listed = await api.request(`${base}?status=suspended`);
  assert.deepEqual(listed.body.items.map((tenant: { slug: string }) => tenant.slug), ["acme"]);

  const resumed = await api.request(`${base}/${acme.tenantId}/resume`, { method: "POST" });
  assert.deepEqual([resumed.status, resumed.body.status], [200, "active"]);
  assert.deepEqual(await statuses(), [200, 200, 200]);
  const log = await api.db.owner`
    select action, actor from audit_log where tenant_id = ${acme.tenantId} and action like 'tenant.%e%'
    order by id`;
  assert.deepEqual(log.map((row) => row.action), [
    "tenant.create",
    "tenant.suspend",
    "tenant.suspend",
    "tenant.suspend",
    "tenant.resume",
  ]);
});

Deno.test("tenants: one that is resumed while it is removed keeps its peers", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.request("/api/v1/wireguard/peers", { ...as(acme), body: { name: "p" } });
  await api.request(`${base}/${acme.tenantId}/suspend`, { method: "POST" });
  let removal: ReturnType<typeof api.request> | undefined;
  // As a resume does it, a moment before it commits: the removal has found it suspended.
  await api.db.owner.begin(async (sql) => {
    await sql`update tenants set status = 'active' where id = ${acme.tenantId}`;
    removal = api.request(`${base}/${acme.tenantId}`, { method: "DELETE" });
    await until("the removal waits for what becomes of it", async () => {
      const rows = await api.db.superuser`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return rows.length > 0;
    });
  });
  const reply = await removal;
  assert.deepEqual([reply?.status, reply?.body.code], [409, "tenant_not_suspended"]);
  const [left] = await api.db.owner`
    select count(*)::integer as n from wg_peers where tenant_id = ${acme.tenantId} and deleted_at is null`;
  assert.equal(left?.n, 1);
});

Deno.test("tenants: D1, T3: a removed one leaves nothing but its number and its log, once its keys are proven off", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  for (const who of [acme, other]) {
    await userOf(api, who, { email: `m@${who.slug}.example`, role: "manager" });
    await api.request("/api/v1/wireguard/peers", { ...as(who), body: { name: "p" } });
  }
  const remove = () => api.request(`${base}/${acme.tenantId}`, { method: "DELETE" });
  assert.equal((await remove()).body.code, "tenant_not_suspended");
  await api.request(`${base}/${acme.tenantId}/suspend`, { method: "POST" });
  const pending = await remove();
  assert.deepEqual([pending.status, pending.body.status], [202, "revoking"]);
  const [still] = await api.db.owner`
    select count(*)::integer as n from users where tenant_id = ${acme.tenantId}`;
  assert.equal(still?.n, 2, "nothing is gone yet");

  const theirs = () =>
    api.db.owner`
      select (select count(*) from users where tenant_id = ${other.tenantId}) as users,
        (select count(*) from wg_peers where tenant_id = ${other.tenantId}) as peers,
        (select count(*) from audit_log where tenant_id = ${other.tenantId}) as entries`;
  const before = await theirs();
  await daemonProves(api);
  assert.deepEqual([(await remove()).status, (await remove()).status], [200, 404]);
  assert.deepEqual(await theirs(), before);
  const left = await api.db.owner`
    select relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition`;
  for (const { relname } of left) {
    const rows = await api.db.owner.unsafe(
      `select from ${relname} where tenant_id = ${acme.tenantId}`,
    );
    assert.equal(rows.length > 0, relname === "audit_log", relname);
  }
  const [last] = await api.db.owner`
    select action, details from audit_log where tenant_id = ${acme.tenantId} order by id desc limit 1`;
  assert.deepEqual([last?.action, last?.details.slug], ["tenant.delete", "acme"]);

  // Gone for whoever asks, by number and by slug; and the next may be called so.
  for (
    const [path, options] of [
      [`${base}/${acme.tenantId}`, {}],
      [`${base}/${acme.tenantId}/suspend`, { method: "POST" }],
      [`${base}/${acme.tenantId}/resume`, { method: "POST" }],
      ["/api/v1/users", { tenant: acme.tenantId }],
    ] as [string, RequestOptions][]
  ) {
    assert.equal((await api.request(path, options)).status, 404, path);
  }
  assert.equal((await api.request("/api/v1/users", as(acme))).status, 401);
  const again = await adminOf(api, "acme");
  assert.notEqual(again.tenantId, acme.tenantId);
  assert.equal((await api.request("/api/v1/users", as(acme))).status, 401, "nor by the new slug");
});

Deno.test("tenants: the platform's superadmin acts on tenants with a token; its admin and every other do not", async () => {
  await using api = await testApi();
  const boss = await superadminOf(api);
  const plain = await userOf(api, boss, { email: "plain@platform.example", role: "admin" });
  const acme = await adminOf(api, "acme");
  const except = ["audit_log"];
  const before = await databaseDigest(api.db, { except });
  for (const who of [plain, acme]) {
    assert.equal((await create(api, "mine", {}, as(who))).status, 403);
    const reply = await api.request(
      `${base}/${acme.tenantId}/suspend`,
      as(who, { method: "POST" }),
    );
    assert.deepEqual([reply.status, reply.body.code], [403, "forbidden"]);
  }
  // Nor do they make one of themselves.
  const [role] = await api.db.owner`select id from roles where system = 'superadmin'`;
  const self = await api.request(`/api/v1/users/${plain.userId}/roles`, {
    ...as(plain),
    body: { role_id: role?.id },
  });
  assert.equal(self.body.code, "grant_exceeds_own");
  assert.deepEqual(await databaseDigest(api.db, { except }), before);

  // Nor does one who is superadmin and nothing else bring in an admin from outside.
  const only = await userOf(api, boss, { email: "only@platform.example" });
  await api.db.owner`
    update user_roles set role_id = ${role?.id} where user_id = ${only.userId}`;
  const imported = await api.request("/api/v1/users/import", {
    ...as(only),
    body: {
      email: "friend@platform.example",
      role: "admin",
      password_hash: "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
    },
  });
  assert.equal(imported.body.code, "grant_exceeds_own", imported.text);

  const made = await create(api, "beta", {}, as(boss));
  assert.equal(made.status, 201, made.text);
  const id = made.body.tenant.id;
  assert.equal(
    (await api.request(`${base}/${id}/suspend`, as(boss, { method: "POST" }))).status,
    202,
  );
  await api.db.owner`update sessions set stepped_up_at = null`;
  const remove = () => api.request(`${base}/${id}`, as(boss, { method: "DELETE" }));
  assert.equal((await remove()).body.code, "step_up_required");
  const fresh = { ...boss, ...await logIn(api, boss) };
  await daemonProves(api);
  const removal = () => api.request(`${base}/${id}`, as(fresh, { method: "DELETE" }));
  assert.equal((await removal()).status, 202);
  await daemonProves(api);
  assert.equal((await removal()).status, 200);

  // In the tenant's log it was the operator, in the platform's it was he.
  const log = await api.db.owner`
    select distinct tenant_id, actor, actor_user_id from audit_log
    where tenant_id = ${id} or (target_type = 'tenant' and target_id = ${
    String(id)
  }) order by tenant_id`;
  assert.deepEqual(log.map((row) => ({ ...row })), [
    { tenant_id: boss.tenantId, actor: "user", actor_user_id: boss.userId },
    { tenant_id: id, actor: "operator", actor_user_id: null },
  ]);
  for (const path of [`/${boss.tenantId}/suspend`, `/${boss.tenantId}`]) {
    const method = path.endsWith("suspend") ? "POST" : "DELETE";
    const reply = await api.request(`${base}${path}`, { method });
    assert.deepEqual([reply.status, reply.body.code], [409, "platform_stays"]);
  }
});
