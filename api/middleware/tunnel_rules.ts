import type { Context } from "hono";
import { auditSource, writeAudit } from "../audit/write_audit.ts";
import type { AppEnv } from "../context.ts";
import type { PeerIdentity } from "../database/lookups.ts";
import type { TenantId } from "../database/tenancy.ts";
import type { Deps } from "../deps.ts";
import { ApiError } from "../errors.ts";

/**
 * A token works only through a peer of its tenant, and through an owned peer only for the owner (T10). Where the
 * tenant wants it, through nothing but a peer of its user's own: sessions opened elsewhere do not go on.
 */
export function fitsTunnel(
  peer: PeerIdentity | undefined,
  token: { tenantId: TenantId; userId: number; ownPeerOnly: boolean },
): boolean {
  if (token.ownPeerOnly) {
    return peer?.tenantId === token.tenantId && peer.userId === token.userId;
  }
  return !peer ||
    peer.tenantId === token.tenantId && (peer.userId === null || peer.userId === token.userId);
}

/**
 * Refuses (`wrong_tunnel` unless said otherwise) and leaves a record with the tenant whose peer it was; off the
 * tunnel, with the tenant that was asked for.
 */
export async function refuseTunnel(
  deps: Pick<Deps, "tenancy">,
  c: Context<AppEnv>,
  refused: {
    reason: string;
    tenantId?: TenantId | undefined;
    userId?: number;
    code?: "wrong_tunnel" | "enrolment_only";
  },
): Promise<never> {
  const peer = c.get("peer");
  const tenantId = peer?.tenantId ?? refused.tenantId;
  if (tenantId !== undefined) {
    // Whose token it was is the affair of that user's own tenant.
    const named = refused.tenantId === tenantId && refused.userId !== undefined
      ? { user_id: refused.userId }
      : {};
    await deps.tenancy.transaction(tenantId, (sql) =>
      writeAudit(sql, {
        tenantId,
        source: { ...auditSource(c), actor: "anonymous", userId: null },
        action: "tunnel.refuse",
        outcome: "refused",
        ...(peer ? { target: { type: "peer", id: peer.peerId } } : {}),
        details: { reason: refused.reason, ...named },
      }));
  }
  throw new ApiError(refused.code ?? "wrong_tunnel");
}
