import { asTenantId, type Platform, type TenantId } from "./tenancy.ts";

/** All tenants, the oldest first: for what the operator does to one after another. */
export async function everyTenant(platform: Platform): Promise<{ id: TenantId; name: string }[]> {
  const rows = await platform.transaction((sql) =>
    sql<{ id: number; name: string }[]>`select id, name from tenants order by id`
  );
  return rows.map(({ id, name }) => ({ id: asTenantId(id), name }));
}
