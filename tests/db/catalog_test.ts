import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { acrossTenants, tenantTables } from "./catalog.ts";

interface Named {
  name: string;
}
const names = (rows: readonly Named[]) => rows.map((row) => row.name);

Deno.test("N1: row-level security is enabled and forced on every table, and each has policies", async () => {
  await using db = await testDatabase();
  const tables = await db.owner<
    (Named & { enabled: boolean; forced: boolean; policies: number })[]
  >`
    select relname as name, relrowsecurity as enabled, relforcerowsecurity as forced,
      (select count(*)::integer from pg_policy p where p.polrelid = c.oid) as policies
    from pg_class c
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`;
  const open = tables.filter((table) => !table.enabled || !table.forced || table.policies === 0);
  // The record of migrations is no tenant's; that nobody but the owner has any right on it is tested below.
  assert.deepEqual(names(open), ["schema_migrations"]);
  const tenant = await tenantTables(db.owner);
  assert.ok(tenant.length >= 9, "the catalog query finds the tenant tables");
  const [granted] = await db.owner`select relacl from pg_class where relname = 'schema_migrations'`;
  assert.equal(granted?.relacl, null);
});

Deno.test("N1: nobody reaches a partition but through its table, row-level security included", async () => {
  await using db = await testDatabase();
  const partitions = await db.owner<(Named & { closed: boolean })[]>`
    select relname as name, relrowsecurity and relforcerowsecurity and relacl is null
      and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attacl is not null)
      and not exists (select from pg_policy p where p.polrelid = c.oid) as closed
    from pg_class c where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relispartition`;
  assert.ok(partitions.length >= 10, "months and the rest, of two tables");
  assert.deepEqual(names(partitions.filter((partition) => !partition.closed)), []);
});

Deno.test("N1: no policy is for everybody, and those without a tenant are the written ones", async () => {
  await using db = await testDatabase();
  const policies = await db.owner<(Named & { roles: string[]; bound: boolean })[]>`
    select policyname as name, roles::text[] as roles,
      coalesce(qual, '') || coalesce(with_check, '') like '%current_tenant_id()%' as bound
    from pg_policies where schemaname = 'public' order by policyname`;
  assert.deepEqual(names(policies.filter((policy) => policy.roles.includes("public"))), []);
  assert.deepEqual(names(policies.filter((policy) => !policy.bound)), [
    "api_keys_lookup",
    "audit_chains_sealer",
    "audit_log_sealer",
    "audit_log_wgd",
    "audit_sealer_sealer",
    "audit_seals_sealer_adds",
    "audit_seals_sealer_reads",
    "mails_lookup",
    "mfa_factors_lookup",
    "mfa_recovery_codes_lookup",
    "permissions_api",
    "roles_api_changes_its_own",
    "roles_api_removes_its_own",
    "system_role_permissions_api",
    "tenant_creations_platform",
    "tenants_lookup",
    "tenants_platform",
    "tenants_wgd",
    "users_wgd",
    "wg_deliveries_lookup",
    "wg_grants_wgd",
    "wg_interfaces_api",
    "wg_interfaces_lookup",
    "wg_interfaces_platform",
    "wg_interfaces_platform_announces",
    "wg_interfaces_platform_decides",
    "wg_interfaces_wgd",
    "wg_ip_pool_api",
    "wg_ip_pool_platform_fills",
    "wg_ip_pool_platform_reads",
    "wg_ip_pool_wgd",
    "wg_keys_wgd",
    "wg_peer_events_wgd_forgets_old",
    "wg_peer_events_wgd_notes",
    "wg_peer_events_wgd_reads",
    "wg_peer_status_wgd",
    "wg_peer_traffic_wgd",
    "wg_peers_lookup",
    "wg_peers_wgd_promotes",
    "wg_peers_wgd_purges_tombstones",
    "wg_peers_wgd_reads",
    "wg_policies_wgd",
    "wg_policy_outcomes_wgd",
    "wg_policy_routes_wgd",
    "wg_policy_services_wgd",
    "wg_policy_status_wgd",
    "wg_receipts_wgd_drops_old",
    "wg_receipts_wgd_sees_old",
    "wg_receipts_wgd_writes",
    "wg_release_keys_platform",
    "wg_release_keys_wgd",
    "wg_resting_addresses_wgd",
    "wg_retired_keys_wgd",
  ]);
});

Deno.test("N2: no foreign key leads across tenants but the listed ones", async () => {
  await using db = await testDatabase();
  const leading = (await tenantTables(db.owner)).flatMap((table) =>
    table.foreignKeys.filter((key) => {
      const index = key.columns.indexOf("tenant_id");
      const wanted = key.target === "tenants" ? "id" : "tenant_id";
      return index < 0 || key.targetColumns[index] !== wanted;
    })
  );
  assert.deepEqual(names(leading).filter((name) => !(name in acrossTenants)), []);
});

Deno.test("N2: no unique or exclusion constraint leads across tenants but the listed ones", async () => {
  await using db = await testDatabase();
  const tables = (await tenantTables(db.owner)).map((table) => table.name);
  const indexes = await db.owner<Named[]>`
    select i.indexrelid::regclass::text as name from pg_index i
    where (i.indisunique or i.indisexclusion) and i.indrelid::regclass::text = any(${tables})
      and not exists (select from pg_attribute a where a.attrelid = i.indrelid and a.attnum = any(i.indkey)
        and a.attname = case when i.indrelid = 'tenants'::regclass then 'id' else 'tenant_id' end)`;
  const found = names(indexes);
  assert.deepEqual(found.filter((name) => !(name in acrossTenants)), []);
  // And the list says nothing that is no longer there.
  const constraints = names(
    await db.owner<Named[]>`select conname as name from pg_constraint where contype = 'f'`,
  );
  const stale = Object.keys(acrossTenants).filter((name) =>
    !found.includes(name) && !constraints.includes(name)
  );
  assert.deepEqual(stale, []);
});

Deno.test("N1: merely nine look-ups run with another's rights: fixed path, no log-in, ids, counts and an age only", async () => {
  await using db = await testDatabase();
  const functions = await db.owner`
    select p.proname as name, p.proowner::regrole::text as owner, r.rolcanlogin as login,
      r.rolbypassrls or r.rolsuper as bypasses, p.proconfig as config, p.provolatile as volatility,
      pg_get_function_result(p.oid) as result, p.proretset and p.prorows > 0 as rows,
      (select array_agg(a.grantee::regrole::text) from aclexplode(p.proacl) a where a.grantee <> p.proowner) as callers
    from pg_proc p join pg_roles r on r.oid = p.proowner
    where p.prosecdef and p.pronamespace = 'public'::regnamespace and p.proname not like 'audit_%'
      and p.proname <> 'erase_tenant'
    order by p.proname`;
  const common = {
    owner: "massacorp_lookup",
    login: false,
    bypasses: false,
    config: ["search_path=pg_catalog, public, pg_temp"],
    volatility: "s",
    rows: true,
    callers: ["massacorp_api"],
  };
  assert.deepEqual(
    functions.map((row) => ({ ...row })),
    [
      {
        name: "lookup_api_key",
        ...common,
        result: "TABLE(tenant_id integer, api_key_id uuid, user_id integer)",
      },
      {
        name: "lookup_due_mails",
        ...common,
        result: "TABLE(tenant_id integer, mail_id uuid)",
      },
      { name: "lookup_expired_deliveries", ...common, result: "TABLE(tenant_id integer)" },
      { name: "lookup_factor_keys", ...common, result: "TABLE(key_id text, factors integer)" },
      { name: "lookup_mail_backlog", ...common, result: "TABLE(queued integer, dead integer)" },
      {
        name: "lookup_oldest_mail",
        ...common,
        result: "TABLE(oldest timestamp with time zone)",
      },
      {
        name: "lookup_peer",
        ...common,
        result: "TABLE(tenant_id integer, peer_id uuid, user_id integer)",
      },
      {
        name: "lookup_sealed",
        ...common,
        result: "TABLE(kind text, key_id text, count integer)",
      },
      { name: "lookup_tenant", ...common, result: "TABLE(tenant_id integer)" },
    ].map((row) => ({ ...row })),
  );
  const [members] = await db.owner`
    select array_agg(member::regrole::text) as names from pg_auth_members
    where roleid = 'massacorp_lookup'::regrole`;
  assert.deepEqual(members?.names, ["massacorp_owner"]);
});

Deno.test("massacorp_sealer: makes and drops months by two functions, which take no name and no text", async () => {
  await using db = await testDatabase();
  const functions = await db.owner`
    select p.proname as name, p.proowner::regrole::text as owner,
      p.proconfig @> array['search_path=pg_catalog, public, pg_temp'] as fixed,
      pg_get_function_identity_arguments(p.oid) as takes,
      (select array_agg(a.grantee::regrole::text) from aclexplode(p.proacl) a where a.grantee <> p.proowner) as callers
    from pg_proc p
    where p.prosecdef and p.pronamespace = 'public'::regnamespace and p.proname like 'audit_%'
    order by p.proname`;
  const common = { owner: "massacorp_owner", fixed: true, callers: ["massacorp_sealer"] };
  assert.deepEqual(
    functions.map((row) => ({ ...row })),
    [
      { name: "audit_drop_partitions", ...common, takes: "cut timestamp with time zone" },
      { name: "audit_make_partitions", ...common, takes: "" },
    ].map((row) => ({ ...row })),
  );
});

Deno.test("massacorp_platform: erases a tenant by one function, which takes its number", async () => {
  await using db = await testDatabase();
  const functions = await db.owner`
    select p.proowner::regrole::text as owner,
      p.proconfig @> array['search_path=pg_catalog, public, pg_temp'] as fixed,
      pg_get_function_identity_arguments(p.oid) as takes,
      (select array_agg(a.grantee::regrole::text) from aclexplode(p.proacl) a where a.grantee <> p.proowner) as callers
    from pg_proc p
    where p.prosecdef and p.pronamespace = 'public'::regnamespace and p.proname = 'erase_tenant'`;
  assert.deepEqual(functions.map((row) => ({ ...row })), [
    {
      owner: "massacorp_owner",
      fixed: true,
      takes: "which integer",
      callers: ["massacorp_platform"],
    },
  ]);
});

Deno.test("functions: each has a fixed search_path, and none may be called by everybody", async () => {
  await using db = await testDatabase();
  const faults = await db.owner<Named[]>`
    select p.proname as name from pg_proc p where p.pronamespace = 'public'::regnamespace
      -- A body that was parsed when it was made (prosqlbody) has nothing left to search for.
      and ((p.prosqlbody is null or p.prosecdef) and
          not exists (select from unnest(p.proconfig) setting where setting like 'search_path=pg_catalog%pg_temp')
        or p.proacl is null
        or exists (select from aclexplode(p.proacl) a where a.grantee = 0))`;
  assert.deepEqual(names(faults), []);
});

Deno.test("constraints: no name is one that PostgreSQL made up", async () => {
  await using db = await testDatabase();
  const faults = await db.owner<Named[]>`
    select conname as name from pg_constraint
    where connamespace = 'public'::regnamespace and conname ~ case contype
      when 'u' then '_key[0-9]*$' when 'c' then '_check[0-9]*$' when 'f' then '_fkey[0-9]*$'
      when 'x' then '_excl[0-9]*$' else '^$' end`;
  assert.deepEqual(names(faults), []);
});

Deno.test("tables, functions and sequences: each has a comment", async () => {
  await using db = await testDatabase();
  const faults = await db.owner<Named[]>`
    select relname as name from pg_class c
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
        and obj_description(oid, 'pg_class') is null
    union all select proname from pg_proc
      where pronamespace = 'public'::regnamespace and obj_description(oid, 'pg_proc') is null
    union all select relname from pg_class c
      where relnamespace = 'public'::regnamespace and relkind = 'S'
        and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i')
        and obj_description(oid, 'pg_class') is null`;
  assert.deepEqual(names(faults), []);
});

Deno.test("foreign keys: each says what a deletion does", async () => {
  await using db = await testDatabase();
  // "no action" is also what a key gets that says nothing.
  const faults = await db.owner<Named[]>`
    select conname as name from pg_constraint
    where connamespace = 'public'::regnamespace and contype = 'f' and confdeltype = 'a'`;
  assert.deepEqual(names(faults), []);
});

Deno.test("roles: none of the application owns anything", async () => {
  await using db = await testDatabase();
  const faults = await db.owner<Named[]>`
    select c.relname as name from pg_class c where c.relowner::regrole::text in
      ('massacorp_api', 'massacorp_platform', 'massacorp_wgd', 'massacorp_sealer', 'massacorp_lookup')
    union all select p.proname from pg_proc p where p.proowner::regrole::text in
      ('massacorp_api', 'massacorp_platform', 'massacorp_wgd', 'massacorp_sealer')`;
  assert.deepEqual(names(faults), []);
});
