import type { Principal } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import { ApiError } from "../../errors.ts";
import { holdSession } from "./store.ts";

/**
 * For what lets somebody in, or do more, at the end of its transaction: whoever's own end was answered meanwhile gives
 * nothing any more.
 * @throws {ApiError} `invalid_token`
 */
export async function holdCaller(sql: TenantSql, principal: Principal | undefined): Promise<void> {
  if (principal?.kind !== "user" && principal?.kind !== "api_key") return;
  const [, held] = await Promise.all([
    // Whoever takes turns with others at the commit, as new peers do, takes them before: who ends the session would
    // wait for all of them.
    sql`set constraints all immediate`.execute(),
    principal.kind === "user" ? holdSession(sql, principal) : holdKey(sql, principal.apiKeyId),
  ]);
  if (!held) throw new ApiError("invalid_token");
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
