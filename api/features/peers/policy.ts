/** The states of a peer as a client sees them. */
export const peerStatuses = ["active", "pending", "disabled", "revoking", "expired"] as const;
export type PeerStatus = typeof peerStatuses[number];

/** What decides over a status: the row, its owner and tenant, and what the daemon saw last. */
export interface StatusFacts {
  enabled: boolean;
  deleted: boolean;
  expired: boolean;
  /** Owner and tenant are active. */
  ownerActive: boolean;
  generation: bigint;
  /** Null where the daemon has never seen the peer. */
  observed: { state: "applied" | "removed" | "failed" | "held"; generation: bigint } | null;
}

/**
 * Says what is true on the interface, not what was asked for: `active` only once `wg` accepted this very
 * generation, and `disabled` or `expired` only once the daemon has read back that the peer is gone.
 *
 * ```
 *                      observed applied,      observed removed,    anything else
 *                      this generation        this generation
 *   wanted             active                 pending              pending
 *   not wanted         revoking               disabled | expired   revoking
 *   deleted            revoking               revoking             revoking   (then the row goes)
 * ```
 */
export function peerStatus(facts: StatusFacts): PeerStatus {
  if (facts.deleted) return "revoking";
  const settled = facts.observed?.generation === facts.generation ? facts.observed.state : null;
  const wanted = facts.enabled && !facts.expired && facts.ownerActive;
  if (wanted) return settled === "applied" ? "active" : "pending";
  if (settled !== "removed") return "revoking";
  return facts.enabled && facts.expired ? "expired" : "disabled";
}

/**
 * Whether the owner may set this expiry himself: what an admin set he may bring forward, and no more.
 * @param asked null to lift it
 */
export function mayOwnerSetExpiry(
  before: { expires_at: Date | null; expiry_set_by: "owner" | "admin" },
  asked: Date | null,
): boolean {
  if (before.expires_at === null || before.expiry_set_by === "owner") return true;
  return asked !== null && asked <= before.expires_at;
}

/** A file name that wg-quick takes as an interface name: at most 15 safe characters before `.conf`. */
export function configFileName(peerName: string): string {
  const safe = peerName.normalize("NFKD").replace(/\p{M}/gu, "").replace(/[^A-Za-z0-9_=+.-]+/g, "-")
    .replace(/^[-.]+/, "").slice(0, 15).replace(/[-.]+$/, "");
  return `${safe || "massacorp"}.conf`;
}
