import type { Principal } from "../../context.ts";
import type { Tenancy, TenantId, TenantSql } from "../../database/tenancy.ts";
import { ApiError } from "../../errors.ts";
import { holdSession } from "./store.ts";

/**
 * For what lets somebody in, or do more, at the end of its transaction: whoever's own end was answered meanwhile, or
 * that of what he may do, gives nothing any more.
 * @throws {ApiError} `invalid_token`, `forbidden`
 */
export async function holdCaller(sql: TenantSql, principal: Principal | undefined): Promise<void> {
  if (principal?.kind !== "user" && principal?.kind !== "api_key") return;
  const [, held, permitted] = await Promise.all([
    // Whoever takes turns with others at the commit, as new peers do, takes them before: who ends the session would
    // wait for all of them.
    sql`set constraints all immediate`.execute(),
    principal.kind === "user" ? holdSession(sql, principal) : holdKey(sql, principal.apiKeyId),
    holdRoles(sql, principal.userId),
  ]);
  if (!held) throw new ApiError("invalid_token");
  if (!principal.permissions.isSubsetOf(permitted)) throw new ApiError("forbidden");
}

/**
 * The same for a transaction of the platform's role, to which nobody's session shows: one of the caller's own tenant
 * beside it holds him, from where `hold` is awaited until the other is committed.
 * @throws {ApiError} `invalid_token`, `forbidden`
 */
export async function heldBeside<T>(
  { tenancy }: { tenancy: Tenancy },
  principal: Principal | undefined,
  transaction: (hold: () => Promise<void>) => Promise<T>,
): Promise<T> {
  if (principal === undefined || principal.kind === "operator") {
    return await transaction(() => Promise.resolve());
  }
  const committed = Promise.withResolvers<void>();
  let holding: Promise<void> | undefined;
  async function hold(tenantId: TenantId): Promise<void> {
    const held = Promise.withResolvers<void>();
    holding = tenancy.transaction(tenantId, async (sql) => {
      await holdCaller(sql, principal);
      held.resolve();
      await committed.promise;
    });
    await Promise.race([held.promise, holding]);
  }
  try {
    return await transaction(() => hold(principal.tenantId));
  } finally {
    committed.resolve();
    // It changed nothing that could be lost.
    await holding?.catch(() => {});
  }
}

async function holdKey(sql: TenantSql, id: string): Promise<boolean> {
  const rows = await sql`
    select from api_keys k
    join users u on u.tenant_id = k.tenant_id and u.id = k.user_id and u.status = 'active'
    where k.id = ${id} and k.revoked_at is null
    -- Both: who deactivates its owner changes nothing of the key.
    for share of k, u`;
  return rows.length > 0;
}

/** @returns what he may do, until the transaction ends */
async function holdRoles(sql: TenantSql, userId: number): Promise<Set<string>> {
  const [, , [row]] = await Promise.all([
    sql`select from user_roles where user_id = ${userId} for share`.execute(),
    // Whoever changes a role locks it for update; those of the system never change.
    sql`
      select from roles
      where system is null and id in (select role_id from user_roles where user_id = ${userId})
      for key share`.execute(),
    sql<[{ permissions: string[] }]>`
      select permissions_of(${userId}, now()) as permissions`.execute(),
  ]);
  return new Set(row.permissions);
}
