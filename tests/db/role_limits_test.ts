import assert from "node:assert/strict";
import { type SeededTenant, seedInterface, seedTenant } from "../support/seed.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { attempt, insufficientPrivilege, type Outcome, type Persona } from "./persona.ts";

interface World extends AsyncDisposable {
  db: TestDatabase;
  a: SeededTenant;
  b: SeededTenant;
  try(persona: Persona, statement: string): Promise<Outcome>;
  /** Refuses each, for want of the privilege. */
  refused(persona: Persona, statements: string[]): Promise<void>;
}

async function world(): Promise<World> {
  const db = await testDatabase();
  await seedInterface(db.owner);
  const a = await seedTenant(db.owner, "alpha");
  const b = await seedTenant(db.owner, "beta");
  const tryIt = (persona: Persona, statement: string) =>
    attempt(db, persona, statement, () => Promise.resolve());
  return {
    db,
    a,
    b,
    try: tryIt,
    async refused(persona, statements) {
      for (const statement of statements) {
        const done = await tryIt(persona, statement);
        assert.equal(done.refused?.code, insufficientPrivilege, statement);
      }
    },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}

Deno.test("massacorp_wgd: reads what decides over a peer, and no more of users, tenants and sessions", async () => {
  await using given = await world();
  const wgd: Persona = { role: "massacorp_wgd" };
  await given.refused(wgd, [
    "select email from users",
    "select name from users",
    "select password_hash from users",
    "select from user_roles",
    "select from roles",
    "select * from users",
    "select slug from tenants",
    "select name from tenants",
    "select from sessions",
    "select from login_attempts",
    "select from api_keys",
    "select from audit_log",
    "select name from wg_peers",
    "select from schema_migrations",
  ]);
  assert.equal((await given.try(wgd, "select tenant_id, id, status from users")).count, 2);
  assert.equal((await given.try(wgd, "select id, status from tenants")).count, 2);
  assert.equal((await given.try(wgd, "select id, public_key, address from wg_peers")).count, 2);
});

Deno.test("massacorp_wgd: changes no desired row, and deletes only tombstones", async () => {
  await using given = await world();
  const wgd: Persona = { role: "massacorp_wgd" };
  await given.refused(wgd, [
    "update wg_peers set enabled = false",
    "update wg_peers set deleted_at = now()",
    "update wg_peers set address = address",
    "insert into wg_peers select * from wg_peers",
    "update users set status = 'inactive'",
    "update tenants set status = 'suspended'",
    "delete from users",
    "delete from tenants",
    "insert into wg_keys select * from wg_keys",
    "update wg_keys set public_key = public_key",
    "delete from wg_ip_pool",
    "delete from wg_interfaces",
    "truncate wg_peers",
  ]);
  const before = await given.try(wgd, `delete from wg_peers where id = '${given.a.peerId}'`);
  assert.deepEqual([before.count, before.refused], [0, undefined]);
  await given.db.owner`update wg_peers set deleted_at = now() where id = ${given.a.peerId}`;
  const all = await given.try(wgd, "delete from wg_peers");
  assert.equal(all.count, 1);
});

Deno.test("wg_receipts: nobody changes one, and the daemon sees and deletes those over 400 days old alone", async () => {
  await using given = await world();
  const wgd: Persona = { role: "massacorp_wgd" };
  const api: Persona = { role: "massacorp_api", tenant: given.a.id };
  await given.refused(wgd, [
    "update wg_receipts set read_back_at = now()",
    "select signature from wg_receipts",
    "truncate wg_receipts",
  ]);
  await given.refused(api, [
    "insert into wg_receipts (tenant_id) values (1)",
    "update wg_receipts set read_back_at = now()",
    "delete from wg_receipts",
  ]);
  await given.refused({ role: "massacorp_platform", tenant: given.a.id }, [
    "select from wg_receipts",
  ]);
  assert.equal((await given.try(wgd, "delete from wg_receipts")).count, 0);
  assert.equal((await given.try(wgd, "select id from wg_receipts")).count, 0);
  await given.db.owner`
    update wg_receipts set read_back_at = now() - interval '401 days' where tenant_id = ${given.a.id}`;
  assert.equal((await given.try(wgd, "delete from wg_receipts")).count, 1);
  assert.equal((await given.try(api, "select from wg_receipts")).count, 1);
});

Deno.test("massacorp_wgd: adds events of peers, and neither changes them nor erases recent ones", async () => {
  await using given = await world();
  const wgd: Persona = { role: "massacorp_wgd" };
  await given.refused(wgd, [
    "update wg_peer_events set at = now()",
    "update wg_peer_events set endpoint = null",
    "truncate wg_peer_events",
    "delete from wg_peer_traffic",
    "update wg_peer_traffic set tenant_id = tenant_id",
  ]);
  const recent = await given.try(wgd, "delete from wg_peer_events");
  assert.deepEqual([recent.count, recent.refused], [0, undefined]);
  await given.db.owner`update wg_peer_events set at = now() - interval '31 days'`;
  assert.equal((await given.try(wgd, "delete from wg_peer_events")).count, 2);
});

Deno.test("massacorp_api: reads what peers did, and writes none of it", async () => {
  await using given = await world();
  for (const role of ["massacorp_api", "massacorp_platform"] as const) {
    await given.refused({ role, tenant: given.a.id }, [
      "update wg_peer_traffic set received_bytes = 0",
      "delete from wg_peer_traffic",
      "insert into wg_peer_traffic (tenant_id, peer_id) select tenant_id, id from wg_peers",
      "delete from wg_peer_events",
      "update wg_peer_events set at = now()",
      `insert into wg_peer_events (tenant_id, peer_id, n, kind, at)
       select tenant_id, id, 9, 'connected', now() from wg_peers`,
    ]);
  }
  const api: Persona = { role: "massacorp_api", tenant: given.a.id };
  assert.equal((await given.try(api, "select endpoint from wg_peer_traffic")).count, 1);
  assert.equal((await given.try(api, "select endpoint from wg_peer_events")).count, 1);
});

Deno.test("D1: the daemon writes audit entries as the daemon and nobody else, and reads none", async () => {
  await using given = await world();
  const insert = (actor: string) =>
    given.try(
      { role: "massacorp_wgd" },
      `insert into audit_log (tenant_id, actor, actor_user_id, action, outcome)
       values (${given.a.id}, '${actor}', 1, 'peer.apply', 'succeeded')`,
    );
  assert.equal((await insert("daemon")).count, 1);
  for (const actor of ["user", "operator", "anonymous"]) {
    assert.equal((await insert(actor)).refused?.code, insufficientPrivilege, actor);
  }
});

Deno.test("D1: the API's roles can only insert into the audit log, and never change it", async () => {
  await using given = await world();
  for (const role of ["massacorp_api", "massacorp_platform"] as const) {
    const persona = { role, tenant: given.a.id };
    await given.refused(persona, [
      "update audit_log set action = 'x.y'",
      "delete from audit_log",
      "truncate audit_log",
      "select from audit_log for update",
      "select xact from audit_log",
      "insert into audit_seals select * from audit_seals",
      "update audit_seals set hash = hash",
      "delete from audit_seals",
      "truncate audit_seals",
      "update audit_chains set seq = seq",
      "update audit_chains set receipt = null",
      "delete from audit_chains",
      "truncate audit_chains",
      "drop table audit_log_rest",
      "select audit_make_partitions()",
      "select audit_drop_partitions(now())",
      // Nor choose where or when an entry stands.
      `insert into audit_log (tenant_id, id, actor, action, outcome) overriding system value
       values (${given.a.id}, 1, 'operator', 'x.y', 'succeeded')`,
      `insert into audit_log (tenant_id, at, actor, action, outcome)
       values (${given.a.id}, now(), 'operator', 'x.y', 'succeeded')`,
    ]);
    const insert = await given.try(
      persona,
      `insert into audit_log (tenant_id, actor, action, outcome)
       values (${given.a.id}, 'operator', 'x.y', 'succeeded')`,
    );
    assert.equal(insert.count, 1);
  }
});

Deno.test("D1: the sealer reads the audit log and adds to its chains, and nothing else", async () => {
  await using given = await world();
  const sealer: Persona = { role: "massacorp_sealer" };
  assert.equal((await given.try(sealer, "select from audit_log")).count, 2);
  await given.refused(sealer, [
    "insert into audit_log (tenant_id, actor, action, outcome) values (1, 'operator', 'x.y', 'succeeded')",
    "update audit_log set action = 'x.y'",
    "delete from audit_log",
    "truncate audit_log",
    "drop table audit_log_rest",
    "update audit_seals set hash = hash",
    "delete from audit_seals",
    "truncate audit_seals",
    "update audit_chains set tenant_id = tenant_id",
    "delete from audit_chains",
    "select from tenants",
    "select from users",
    "select from sessions",
    "select from wg_peers",
    "select from login_attempts",
  ]);
  // Neither the month that is, nor the last whole one, nor part of a month.
  for (const cut of ["now()", "date_trunc('month', now())", "now() - interval '1 year'", "null"]) {
    const dropped = await given.try(sealer, `select audit_drop_partitions(${cut})`);
    assert.equal(dropped.refused?.constraint, "audit_retention_keeps_a_whole_month", cut);
  }
});

Deno.test("A5: the API can neither change a log-in attempt nor delete one that a lock may count", async () => {
  await using given = await world();
  const persona: Persona = { role: "massacorp_api", tenant: given.a.id };
  await given.refused(persona, [
    "update login_attempts set outcome = 'succeeded'",
    "truncate login_attempts",
  ]);
  const forget = async () => (await given.try(persona, "delete from login_attempts")).count;
  assert.equal(await forget(), 0);
  await given.db.owner`update login_attempts set at = now() - interval '25 hours'`;
  assert.equal(await forget(), 1, "its own, and no other tenant's");
});

Deno.test("massacorp_api: forgets no session within a month of its own end", async () => {
  await using given = await world();
  const forget = async () =>
    (await given.try({ role: "massacorp_api", tenant: given.a.id }, "delete from sessions")).count;
  const age = (days: number) =>
    given.db.owner`
      update sessions set created_at = now() - ${days} * interval '1 day' - interval '1 hour',
        expires_at = now() - ${days} * interval '1 day', refresh_expires_at = now() - ${days} * interval '1 day'`;
  await age(29);
  assert.equal(await forget(), 0);
  await age(31);
  assert.equal(await forget(), 1, "its own, and no other tenant's");
});

Deno.test("massacorp_api: removes no user who is active, and none who still owns a peer", async () => {
  await using given = await world();
  const persona: Persona = { role: "massacorp_api", tenant: given.a.id };
  const remove = () => given.try(persona, "delete from users");
  assert.equal((await remove()).count, 0);
  await given.db.owner`update users set status = 'inactive'`;
  assert.equal((await remove()).refused?.constraint, "wg_peers_user_exists");
  await given.db.owner`update wg_peers set user_id = null`;
  assert.equal((await remove()).count, 1, "its own, and no other tenant's");
});

Deno.test("massacorp_api: what it may not do in its own tenant", async () => {
  await using given = await world();
  await given.refused({ role: "massacorp_api", tenant: given.a.id }, [
    "select public_key from wg_retired_keys",
    "delete from wg_retired_keys",
    "delete from wg_peers",
    "update wg_resting_addresses set address = address",
    "update wg_peers set generation = generation",
    "update wg_peers set tenant_id = tenant_id",
    "insert into wg_ip_pool values (1, '10.10.0.250', now())",
    "delete from wg_ip_pool",
    "update wg_interfaces set public_key = public_key",
    "insert into wg_peer_status select * from wg_peer_status",
    "update wg_peer_status set state = 'applied'",
    "insert into tenants (slug, name) values ('x', 'X')",
    "update tenants set status = 'active'",
    "update sessions set user_id = user_id",
    "update sessions set expires_at = expires_at",
    "update api_keys set user_id = user_id",
    "update api_keys set prefix = prefix",
    "update api_key_scopes set permission = permission",
    "delete from api_keys",
    "select from schema_migrations",
    "create table mine ()",
    "create function mine() returns integer language sql as 'select 1'",
  ]);
  // Only a peer that came back to its address ends that rest; these are of addresses that nobody has.
  const rests = await given.try(
    { role: "massacorp_api", tenant: given.a.id },
    "select from wg_resting_addresses",
  );
  assert.ok((rests.count ?? 0) > 0);
  const ended = await given.try(
    { role: "massacorp_api", tenant: given.a.id },
    "delete from wg_resting_addresses",
  );
  assert.deepEqual([ended.refused, ended.count], [undefined, 0]);
});

Deno.test("N1: no application role may become another role", async () => {
  await using given = await world();
  const rows = await given.db.owner`
    select member::regrole::text as member, roleid::regrole::text as role from pg_auth_members
    where member::regrole::text like 'massacorp_%'`;
  assert.deepEqual(rows.map((row) => ({ ...row })), [
    { member: "massacorp_owner", role: "massacorp_lookup" },
  ]);
});

Deno.test("massacorp_lookup: its functions answer for live things alone, with ids alone", async () => {
  await using given = await world();
  const { db, a, b } = given;
  const api: Persona = { role: "massacorp_api" };
  const ask = async (statement: string) =>
    (await given.try(api, statement)).rows.map((row) => ({ ...row }));
  assert.deepEqual(await ask("select * from lookup_tenant('alpha')"), [{ tenant_id: a.id }]);
  assert.deepEqual(await ask(`select * from lookup_tenant('${b.id}')`), [{ tenant_id: b.id }]);
  for (const unknown of ["", "nobody", "99999", "9999999999999", "1 or 1=1", "ALPHA", "%"]) {
    assert.deepEqual(await ask(`select * from lookup_tenant('${unknown}')`), [], unknown);
  }
  const peer = { tenant_id: a.id, peer_id: a.peerId, user_id: a.userId };
  const lookup = `select * from lookup_peer('${a.address}')`;
  assert.deepEqual(await ask(lookup), [peer]);
  assert.deepEqual(await ask("select * from lookup_peer('10.10.0.77')"), []);
  for (
    const end of [
      "enabled = false",
      "expires_at = now() - interval '1 second', created_at = now() - interval '1 day'",
      "deleted_at = now()",
    ]
  ) {
    await db.owner.unsafe(`update wg_peers set ${end} where id = '${a.peerId}'`);
    assert.deepEqual(await ask(lookup), [], end);
    if (end !== "deleted_at = now()") {
      await db.owner`update wg_peers set enabled = true, expires_at = null where id = ${a.peerId}`;
    }
  }
  const [key] = await ask(`select * from lookup_api_key('${b.apiKeyPrefix}')`);
  assert.deepEqual([key?.tenant_id, key?.user_id], [b.id, b.userId]);
  await given.refused({ role: "massacorp_wgd" }, ["select lookup_tenant('alpha')"]);
  await given.refused({ role: "massacorp_platform" }, ["select lookup_tenant('alpha')"]);
});
