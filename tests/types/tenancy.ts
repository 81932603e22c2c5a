/**
 * N1: a statement outside its tenant does not compile. Nothing runs here: `deno check` fails on a right use
 * that does not compile, and on an `@ts-expect-error` below which nothing is wrong.
 */
import {
  asTenantId,
  type EnteringSql,
  type Platform,
  type PlatformSql,
  type Tenancy,
  type TenantId,
  type TenantSql,
} from "../../api/database/tenancy.ts";
import type { Sql } from "../../db/connection.ts";

declare const plain: Sql;
declare const tenancy: Tenancy;
declare const platform: Platform;
declare const tenantSql: TenantSql;
declare const enteringSql: EnteringSql;
declare const platformSql: PlatformSql;
declare function inTenant(sql: TenantSql): Promise<void>;
declare function inPlatform(sql: PlatformSql): Promise<void>;

/** What must compile: the same things, used right. */
export async function right(): Promise<void> {
  await inTenant(tenantSql);
  await inPlatform(platformSql);
  const id: TenantId = asTenantId(7);
  await tenancy.query(id, (sql) => sql<{ n: number }[]>`select 1 as n`);
  await tenancy.transaction(id, (sql) => inTenant(sql));
  await platform.transaction(async (sql, enter) => {
    await enter(id);
    await inPlatform(sql);
  });
}

/** What must not. */
export async function wrong(): Promise<void> {
  // @ts-expect-error: a plain connection where a tenant's statements are asked for
  await inTenant(plain);
  // @ts-expect-error: a plain connection where the platform's statements are asked for
  await inPlatform(plain);
  // @ts-expect-error: the platform's statements as a tenant's
  await inTenant(platformSql);
  // @ts-expect-error: a statement that is inside no tenant yet as a tenant's
  await inTenant(enteringSql);
  // @ts-expect-error: a tenant's statements as the platform's
  await inPlatform(tenantSql);
  // @ts-expect-error: the same, where the statements come from
  await platform.transaction((sql) => inTenant(sql));
  // @ts-expect-error: a number where a tenant's id is asked for
  await tenancy.query(7, (sql) => sql`select 1`);
  // @ts-expect-error: a text where a tenant's id is asked for
  await tenancy.transaction("7", (sql) => inTenant(sql));
  // @ts-expect-error: a number entered by the platform
  await platform.transaction((_, enter) => enter(7));
  // @ts-expect-error: a text made a tenant's id
  asTenantId("7");
  // @ts-expect-error: a text instead of a template
  await tenantSql("select 1");
  // @ts-expect-error: a statement that is put together as text
  await tenantSql.unsafe("select 1");
  // @ts-expect-error: a transaction of one's own inside the tenant's
  await tenantSql.begin(() => {});
  // @ts-expect-error: an undefined parameter, which the driver would refuse when it is sent
  await tenantSql`select ${undefined}`;
}
