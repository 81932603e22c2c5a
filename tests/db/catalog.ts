import type { Sql } from "../../db/connection.ts";

/** A table whose rows belong to one tenant each. */
export interface TenantTable {
  name: string;
  /** The column that says whose a row is: \`id\` of \`tenants\`, \`tenant_id\` of every other table. */
  owner: "id" | "tenant_id";
  columns: string[];
  /** Column of this table to (table, column) it points to, one entry a foreign key. */
  foreignKeys: { name: string; columns: string[]; target: string; targetColumns: string[] }[];
}

/** Every table that has a tenant_id, and tenants itself, as the catalogs know them; partitions are part of theirs. */
export async function tenantTables(sql: Sql): Promise<TenantTable[]> {
  return [
    ...await sql<TenantTable[]>`
      select c.relname as name, case when c.relname = 'tenants' then 'id' else 'tenant_id' end as owner,
        (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = '') as columns,
        coalesce((select jsonb_agg(jsonb_build_object(
            'name', k.conname, 'target', k.confrelid::regclass::text,
            'columns', (select jsonb_agg(a.attname order by n) from unnest(k.conkey) with ordinality x (nr, n)
              join pg_attribute a on a.attrelid = k.conrelid and a.attnum = x.nr),
            'targetColumns', (select jsonb_agg(a.attname order by n) from unnest(k.confkey) with ordinality x (nr, n)
              join pg_attribute a on a.attrelid = k.confrelid and a.attnum = x.nr)))
          from pg_constraint k where k.conrelid = c.oid and k.contype = 'f'), '[]') as "foreignKeys"
      from pg_class c
      where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
        and (c.relname = 'tenants'
        or exists (select from pg_attribute a
          where a.attrelid = c.oid and a.attname = 'tenant_id' and not a.attisdropped))
      order by c.relname`,
  ];
}

/** Constraints and unique indexes that reach across tenants, each with the reason it may. */
export const acrossTenants: Record<string, string> = {
  tenants_slug_is_taken:
    "a slug names the tenant before anybody is logged in; only the operator makes tenants",
  tenants_have_one_platform: "there is one platform tenant; only the operator makes tenants",
  api_keys_prefix_is_taken:
    "the prefix finds the tenant; it is random, and made by the server, so a collision tells nothing",
  role_permissions_are_of_a_tenant:
    "what can be permitted is the same for all tenants, and part of the product",
  api_key_scopes_are_of_a_tenant: "as role_permissions_are_of_a_tenant",
  wg_peers_address_is_held_once:
    "one interface, one address: the database gives addresses out, callers do not choose them",
  wg_peers_public_key_is_taken:
    "WireGuard itself knows a key once an interface; who has a public key could already ask with it",
  wg_keys_pkey: "as wg_peers_public_key_is_taken, for successors as well",
  wg_peers_address_is_in_the_pool: "the pool says which addresses exist, never whose they are",
  tenants_gateway_exists: "as wg_peers_interface_exists",
  wg_peers_interface_exists: "interfaces belong to the operator; every tenant may read them",
  wg_policy_outcomes_interface_exists: "as wg_peers_interface_exists",
  wg_retired_keys_pkey: "as wg_peers_public_key_is_taken, for keys that are on their way off",
  wg_retired_keys_interface_exists: "as wg_peers_interface_exists",
  wg_receipts_interface_exists: "as wg_peers_interface_exists",
};

/**
 * Tables of tenants whose rows a role of the API could see without being inside the tenant: without row-level
 * security, without it for their owner, without a policy, or with one that does not ask for the tenant.
 */
export async function openTables(sql: Sql): Promise<string[]> {
  const names = (await tenantTables(sql)).map((table) => table.name);
  const rows = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relname = any(${names}) and c.relname <> 'tenants'
      and (not c.relrowsecurity or not c.relforcerowsecurity
        or not exists (select from pg_policy p where p.polrelid = c.oid)
        or exists (
          select from pg_policies p where p.schemaname = 'public' and p.tablename = c.relname
            and 'massacorp_api' = any (p.roles)
            and p.cmd in ('SELECT', 'ALL') and coalesce(p.qual, '') not like '%current_tenant_id()%'))
    order by c.relname`;
  return rows.map((row) => row.name);
}
