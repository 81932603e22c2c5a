import type { Permission } from "../../auth/permissions.ts";
import type { Principal } from "../../context.ts";
import type { TenantSql } from "../../database/tenancy.ts";
import { ApiError } from "../../errors.ts";
import { permissionsOf } from "./store.ts";

/**
 * Nobody gives what he does not have, and nobody decides over somebody who may do more than he. The operator,
 * who could change the database itself, may all.
 * @throws {ApiError} `grant_exceeds_own`
 */
export function refuseBeyondOwn(
  principal: Principal | undefined,
  wanted: Iterable<Permission>,
): void {
  if (principal?.kind === "operator") return;
  for (const permission of wanted) {
    if (!principal?.permissions.has(permission)) {
      throw new ApiError("grant_exceeds_own", {
        detail: `this takes ${permission}, which you do not have`,
      });
    }
  }
}

/**
 * The same for what is to last: who has a permission until tomorrow gives it until tomorrow, to himself as well.
 * @param until null for a grant without an end
 * @throws {ApiError} `grant_exceeds_own`
 */
export async function refuseGrantBeyondOwn(
  sql: TenantSql,
  principal: Principal | undefined,
  { wanted, until }: { wanted: readonly Permission[]; until: Date | null },
): Promise<void> {
  refuseBeyondOwn(principal, wanted);
  if (principal?.kind === "operator" || principal === undefined || wanted.length === 0) return;
  const lasting = await permissionsOf(sql, { userId: principal.userId, until });
  const missing = wanted.find((permission) => !lasting.includes(permission));
  if (missing !== undefined) {
    throw new ApiError("grant_exceeds_own", {
      detail: `this takes ${missing} for longer than you have it`,
    });
  }
}

/**
 * Refuses a decision over a user who may do more than the caller.
 * @throws {ApiError} `grant_exceeds_own`
 */
export async function refuseOverMightier(
  sql: TenantSql,
  principal: Principal | undefined,
  { userId, now }: { userId: number; now: Date },
): Promise<void> {
  if (principal?.kind === "operator") return;
  refuseBeyondOwn(principal, await permissionsOf(sql, { userId, at: now }));
}

/**
 * Refuses what would let the caller act as the user himself, unless the user may do less: whoever looks after
 * security (`users.security`) may, for everybody that he may decide over at all.
 * @throws {ApiError} `grant_exceeds_own`
 */
export async function refuseOverEqual(
  sql: TenantSql,
  principal: Principal | undefined,
  { userId, now }: { userId: number; now: Date },
): Promise<void> {
  if (principal?.kind === "operator" || principal?.permissions.has("users.security")) return;
  const theirs = await permissionsOf(sql, { userId, at: now });
  refuseBeyondOwn(principal, theirs);
  if (theirs.length >= (principal?.permissions.size ?? 0)) {
    throw new ApiError("grant_exceeds_own", {
      detail: "this takes users.security, because the user may do as much as you",
    });
  }
}
