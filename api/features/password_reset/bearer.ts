import type { Context } from "hono";
import { digestOneTimeToken, oneTimeToken } from "../../auth/one_time_token.ts";
import {
  findOneTimeToken,
  type TokenOwner,
  type TokenPurpose,
} from "../../auth/one_time_token_store.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { namedTenant } from "../../middleware/access.ts";
import { refuseTunnel } from "../../middleware/tunnel_rules.ts";

export interface Bearer {
  tenantId: TenantId;
  digest: Uint8Array;
  owner: TokenOwner;
}

/**
 * Whose token was brought; it is not used up by that. Undefined for one that is unknown, used, replaced or too
 * old, of an unknown tenant, or of a user who is not active.
 * @throws {ApiError} `wrong_tunnel` through a peer that belongs to another user (T10)
 */
export async function findBearer(
  deps: Pick<Deps, "tenancy" | "lookups" | "clock">,
  c: Context<AppEnv>,
  { token, purpose }: { token: string; purpose: TokenPurpose },
): Promise<Bearer | undefined> {
  const tenantId = await namedTenant(deps, c);
  if (tenantId === undefined || !oneTimeToken.safeParse(token).success) return undefined;
  const digest = await digestOneTimeToken(token);
  const owner = await deps.tenancy.transaction(
    tenantId,
    (sql) => findOneTimeToken(sql, { purpose, digest, now: new Date(deps.clock.now()) }),
  );
  const peer = c.get("peer");
  if (owner && peer && peer.userId !== null && peer.userId !== owner.user_id) {
    await refuseTunnel(deps, c, { tenantId, reason: `${purpose} of another owner` });
  }
  return owner && { tenantId, digest, owner };
}
