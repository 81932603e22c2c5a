import assert from "node:assert/strict";
import { type SeededTenant, seedInterface, seedTenant } from "../support/seed.ts";
import { testDatabase } from "../support/database.ts";
import { acrossTenants, openTables, tenantTables } from "./catalog.ts";
import { attempt, insufficientPrivilege, type Persona } from "./persona.ts";

const randomId = "01890a5d-ac96-774b-bcce-b302099a8057";

const digest = "decode(repeat('ab', 32), 'hex')";
const opening = (tenant: number, user: number) =>
  `session_open(${tenant}, ${user}, ${digest}, 'loopback', now() - interval '1 hour', 10, now(), 60, 60,
    '{"id": "${randomId}", "device_name": "", "user_agent": ""}',
    '{"actor": "user", "actor_user_id": ${user}, "action": "auth.login", "outcome": "succeeded",
      "request_id": "x", "details": {}}')`;

const facts = (tenant: number, slug: string) =>
  `login_facts(${tenant}, 'somebody@${slug}.example', ${digest}, 'loopback', now() - interval '1 hour')`;

/**
 * How to call each function that a role of the API may execute with what is another tenant's, and with what is
 * nobody's. A function that is not here fails the test: say how it is asked, or why it may tell.
 */
const calls: Record<string, ((of: SeededTenant | null) => string) | { told: string }> = {
  current_tenant_id: () => "current_tenant_id()",
  permissions_of: (of) => `permissions_of(${of?.userId ?? 987_654_321}, now())`,
  session_in_force: (of) =>
    `session_in_force(${of?.id ?? 987_654_321}, '${of?.sessionId ?? randomId}', ${
      of?.userId ?? 987_654_321
    }, now())`,
  session_proof: (of) =>
    `session_proof(${of?.id ?? 987_654_321}, '${of?.sessionId ?? randomId}', ${
      of?.userId ?? 987_654_321
    }, now())`,
  login_facts: (of) => facts(of?.id ?? 987_654_321, of?.slug ?? "nobody"),
  login_standing: (of) =>
    `login_standing(${of?.id ?? 987_654_321}, ${digest}, 'loopback', now() - interval '1 hour')`,
  login_failures_anywhere: (of) =>
    `login_failures_anywhere(${of?.id ?? 987_654_321}, ${digest}, now() - interval '1 hour')`,
  login_alarm: (of) =>
    `login_alarm(${of?.id ?? 987_654_321}, ${digest}, now() - interval '1 hour', 1)`,
  login_failures: (of) =>
    `login_failures(${of?.id ?? 987_654_321}, ${digest}, 'loopback', now() - interval '1 hour')`,
  login_record: (of) =>
    `login_record(${of?.id ?? 987_654_321}, ${digest}, 'loopback', 'failed', now())`,
  session_open: (of) => opening(of?.id ?? 987_654_321, of?.userId ?? 987_654_321),
  session_rotate: (of) =>
    `session_rotate(${of?.id ?? 987_654_321}, '${of?.sessionId ?? randomId}', ${
      of?.userId ?? 987_654_321
    }, 0, now(), true, 60)`,
  api_key_in_force: (of) => `api_key_in_force('${of?.apiKeyPrefix ?? "AAAAAAAAAAAA"}', now())`,
  erase_tenant: { told: "the operator's own act, on a tenant that he suspended before" },
  mfa_required_of: (of) => `mfa_required_of(${of?.userId ?? 987_654_321}, now())`,
  lookup_api_key: {
    told:
      "finds the tenant of a key before anybody is known; the prefix is random and says no more",
  },
  lookup_due_mails: {
    told:
      "finds whose mail is due for the one queue of the process; answers ids of tenants and mails alone",
  },
  lookup_expired_deliveries: {
    told: "finds whose files nobody fetched in time, so that they go; answers ids of tenants alone",
  },
  lookup_sealed: { told: "counts what each key seals, for the operator who drops one" },
  lookup_factor_keys: { told: "counts what each key seals, for the operator's log" },
  lookup_oldest_mail: { told: "tells how long mail waits, for the operator's metrics" },
  lookup_mail_backlog: { told: "counts all mail that waits, for the operator's metrics" },
  lookup_peer: {
    told: "finds the tenant of an address that WireGuard has authenticated; ids alone",
  },
  lookup_tenant: { told: "finds a tenant by the name that a log-in gives; answers its id alone" },
  sealed_under: () => "sealed_under('\\x020011223344556677'::bytea)",
  wg_gateways_seen: {
    told: "which gateways live, by locks of the daemon's role alone; gateways are the operator's",
  },
  wg_resting_held: (of) => `wg_resting_held(${of?.id ?? 987_654_321}, null)`,
  wg_held_on_gateway: (of) => `wg_held_on_gateway(${of?.id ?? 987_654_321}, 1::smallint)`,
  wg_pool_addresses: () => "(select count(*) from wg_pool_addresses('10.10.0.0/24'))",
  wg_address6: () => "wg_address6('10.10.0.6', '10.10.0.0/24', 'fd00::/64')",
  wg_tenant_share: () => "wg_tenant_share('10.10.0.0/24'::cidr, 50::smallint)",
};

const look = () => Promise.resolve();

Deno.test("N1, N2: no function that the API may call tells of another tenant more than of nobody", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const [a, b] = [await seedTenant(db.owner, "alpha"), await seedTenant(db.owner, "beta")];
  for (const role of ["massacorp_api", "massacorp_platform"] as const) {
    const functions = await db.superuser<{ name: string }[]>`
      select distinct p.proname as name from pg_proc p
      where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
        and has_function_privilege(${role}, p.oid, 'execute') order by 1`;
    const untold = functions.filter(({ name }) => !(name in calls));
    assert.deepEqual(untold.map(({ name }) => name), [], "say in this file how these are called");
    const persona: Persona = { role, tenant: a.id };
    for (const { name } of functions) {
      const call = calls[name];
      if (typeof call !== "function") continue;
      const theirs = await attempt(db, persona, `select ${call(b)} as answer`, look);
      const nobodys = await attempt(db, persona, `select ${call(null)} as answer`, look);
      assert.deepEqual(
        [theirs.rows, theirs.refused],
        [nobodys.rows, nobodys.refused],
        `${role} ${name}`,
      );
    }
  }
  // The control: inside its own tenant the same call tells something.
  const own = await attempt(
    db,
    { role: "massacorp_api", tenant: b.id },
    `select cardinality(permissions_of(${b.userId}, now())) as n, current_tenant_id() as tenant`,
    look,
  );
  assert.equal(own.rows[0]?.tenant, b.id);
});

Deno.test("N1: what enters a tenant by itself shows that tenant's rows, and inside another one refuses", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const [a, b] = [await seedTenant(db.owner, "alpha"), await seedTenant(db.owner, "beta")];
  const session = (tenant: number, of: SeededTenant) =>
    `select * from session_proof(${tenant}, '${of.sessionId}', ${of.userId}, now())`;
  const before = (tenant: number, of: SeededTenant) =>
    session(tenant, of).replace("proof", "in_force");
  const rotate = (tenant: number, of: SeededTenant) =>
    `select counter as slug from session_rotate(${tenant}, '${of.sessionId}', ${of.userId}, 0, now(), true, 60)`;
  const key = (of: SeededTenant) => `select * from api_key_in_force('${of.apiKeyPrefix}', now())`;
  const api = { role: "massacorp_api" } as const;
  const ask = async (statement: string, persona: Persona = api) => {
    const arrange = "delete from mfa_factors";
    const { rows, refused } = await attempt(db, persona, statement, look, { arrange });
    return refused?.code ?? rows.map((row) => row.slug ?? row.tenant_id);
  };
  assert.deepEqual(await ask(session(a.id, a)), ["alpha"]);
  assert.deepEqual(await ask(key(b)), [b.id]);
  const open = (tenant: number, user: number) =>
    `select 'opened' as slug from ${opening(tenant, user)}`;
  assert.deepEqual(
    [await ask(open(a.id, a.userId)), await ask(open(a.id, b.userId))],
    [["opened"], []],
  );
  assert.deepEqual([await ask(rotate(a.id, a)), await ask(rotate(a.id, b))], [[1], []]);
  const account = (tenant: number, { slug }: SeededTenant) =>
    `select coalesce(account ->> 'user_id', 'nobody') as slug from ${facts(tenant, slug)}`;
  assert.deepEqual(
    [await ask(account(a.id, a)), await ask(account(a.id, b)), await ask(account(0, a))],
    [[String(a.userId)], ["nobody"], ["nobody"]],
  );
  // Another tenant's session is none of this tenant's, whatever else is right.
  assert.deepEqual(await ask(session(a.id, b)), []);
  assert.deepEqual(await ask(session(a.id, { ...a, userId: b.userId })), []);
  assert.deepEqual([await ask(before(a.id, a)), await ask(before(a.id, b))], [["alpha"], []]);
  for (const inside of [{ ...api, tenant: a.id }, { ...api, tenant: 0 }]) {
    assert.equal(await ask(session(b.id, b), inside), "25000");
    assert.equal(await ask(before(b.id, b), inside), "25000");
    assert.equal(await ask(key(b), inside), "25000");
    assert.equal(await ask(rotate(b.id, b), inside), "25000");
    assert.equal(await ask(open(b.id, b.userId), inside), "25000");
    assert.equal(await ask(account(b.id, b), inside), "25000");
  }
  assert.deepEqual(await ask(session(a.id, a), { ...api, tenant: a.id }), ["alpha"]);
  // Row-level security holds their caller, who has no right of the owner's through them.
  for (const role of ["massacorp_wgd", "massacorp_sealer", "massacorp_platform"] as const) {
    assert.equal(await ask(session(a.id, a), { role }), insufficientPrivilege, role);
    assert.equal(await ask(key(a), { role }), insufficientPrivilege, role);
  }
});

Deno.test("N1: a table of tenants that comes without its policy, or with one for all, is found by itself", async () => {
  await using db = await testDatabase();
  const before = await openTables(db.owner);
  assert.deepEqual(before, []);
  await db.owner.unsafe(`
    create table leaky_a (tenant_id integer not null, x text);
    create table leaky_b (tenant_id integer not null, x text);
    alter table leaky_b enable row level security;
    create policy leaky_b_api on leaky_b to massacorp_api using (tenant_id = (select current_tenant_id()));
    create table leaky_c (tenant_id integer not null, x text);
    alter table leaky_c enable row level security;
    alter table leaky_c force row level security;
    create policy leaky_c_api on leaky_c to massacorp_api using (true)`);
  assert.deepEqual(await openTables(db.owner), ["leaky_a", "leaky_b", "leaky_c"]);
  // And the probes of row_security_test.ts ask for rows of both tenants in it, since it has a tenant_id.
  const probed = (await tenantTables(db.owner)).map((table) => table.name);
  for (const name of ["leaky_a", "leaky_b", "leaky_c"]) assert(probed.includes(name));
});

Deno.test("N2: a change of an own row to tenant B's unique values succeeds, but for the listed constraints", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const [a, b] = [await seedTenant(db.owner, "alpha"), await seedTenant(db.owner, "beta")];
  let tried = 0;
  for (const role of ["massacorp_api", "massacorp_platform"] as const) {
    for (const table of await tenantTables(db.owner)) {
      if (table.name === "tenants") continue;
      const columns = await db.superuser<{ name: string }[]>`
        select attname as name from pg_attribute
        where attrelid = ${table.name}::regclass and attname = any(${table.columns})
          and has_column_privilege(${role}, attrelid, attnum, 'update')`;
      for (const { name } of columns) {
        const [theirs] = await db.superuser.unsafe(
          `select to_json(x) -> '${name}' as value from ${table.name} x where tenant_id = ${b.id} order by ctid desc limit 1`,
        );
        const json = JSON.stringify({ [name]: theirs?.value ?? null }).replaceAll("'", "''");
        const mine = `(select ctid from ${table.name} where tenant_id = ${a.id} limit 1)`;
        const done = await attempt(
          db,
          { role, tenant: a.id },
          `update ${table.name} set ${name} = (select ${name} from json_populate_record(null::${table.name}, '${json}'))
            where ctid = ${mine}`,
          look,
        );
        tried++;
        // Refused for what the value is, or for pointing at what tenant A does not have: never for being B's.
        if (done.refused?.code === "23505" || done.refused?.code === "23P01") {
          assert.ok(done.refused.constraint in acrossTenants, `${table.name}.${name}`);
        } else if (done.refused && !/^(23514|23502|23503)$/.test(done.refused.code)) {
          assert.equal(done.refused.code, insufficientPrivilege, `${table.name}.${name}`);
        }
      }
    }
  }
  assert.ok(tried >= 30, `${tried} columns`);
});
