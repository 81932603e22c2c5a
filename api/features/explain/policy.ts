import type { Difference } from "../../../wgd/protocol.ts";

/** Each way in which a peer can be another one on the interface than in its row, and how that is said. */
const otherwise: Record<Difference, string> = {
  missing: "the key missing",
  allowed_ips: "other allowed IPs",
  preshared_key: "another preshared key",
  persistent_keepalive: "a keepalive of the gateway's own",
  unwanted: "the key on the interface, where it has no place",
  foreign: "a key that no row explains",
};
export const differenceKinds = Object.keys(otherwise) as [Difference, ...Difference[]];

/** What is known of a peer, for {@link reasonsOf} to put into words. */
export interface PeerFacts {
  /** The row; null where it was purged. */
  desired: {
    publicKey: string;
    /** The key that waits to take over; null where none does. */
    successorKey: string | null;
    enabled: boolean;
    removed: boolean;
    expired: boolean;
    ownerActive: boolean;
    tenantActive: boolean;
    generation: bigint;
  } | null;
  /** What the daemon wrote down last; null where it never did. */
  recorded: {
    state: "applied" | "removed" | "failed" | "held";
    generation: bigint;
    error: string | null;
  } | null;
  /** By public key that the interface has of this peer, where it is not as the row wants; null where the daemon does not say. */
  observed: ReadonlyMap<string, readonly Difference[]> | null;
  /** The last time that it was found changed by hand, and put right. */
  repaired: { at: string; differences: Difference[] } | null;
  /** degraded: it runs without its database; elsewhere: it lives beside another API process. */
  daemon: "ok" | "degraded" | "unreachable" | "elsewhere";
}

export const reasonCodes = [
  "applied",
  "held",
  "failed",
  "pending",
  "drift",
  "drift_repaired",
  "removed",
  "disabled",
  "expired",
  "user_inactive",
  "tenant_suspended",
  "revoking",
  "rotating",
  "old_key",
  "daemon_unreachable",
  "daemon_degraded",
  "daemon_elsewhere",
] as const;

/** One part of the answer to "why is it, or is it not, on the interface?". */
export interface Reason {
  code: typeof reasonCodes[number];
  detail: string;
}

/** Why the peer is or is not on the interface: first what its row wants, then what stands in the way. */
export function reasonsOf(facts: PeerFacts): Reason[] {
  const { desired, recorded, observed, daemon } = facts;
  const because = (code: Reason["code"], detail: string): Reason => ({ code, detail });
  if (!desired) {
    return [because("removed", "it was removed, and its row went with the receipt")];
  }
  const found: Reason[] = unwanted(desired);
  const isWanted = found.length === 0;
  const settled = recorded?.generation === desired.generation ? recorded : null;
  const isThere = observed?.has(desired.publicKey);
  const differs = observed?.get(desired.publicKey) ?? [];
  const inWords = (kinds: readonly Difference[]) => kinds.map((kind) => otherwise[kind]).join(", ");
  if (isWanted) {
    if (settled?.state === "held" || settled?.state === "failed") {
      found.push(because(settled.state, settled.error ?? "the daemon gave no reason"));
    } else if (settled?.state !== "applied") {
      found.push(because("pending", "the daemon has not read this change back from the interface"));
    } else if (isThere === false) {
      found.push(
        because("drift", "it was applied, and is gone since: the daemon puts that right soon"),
      );
    } else if (differs.length > 0) {
      found.push(
        because(
          "drift",
          `the interface has it with ${inWords(differs)}: the daemon puts that right`,
        ),
      );
    } else {
      const what = observed
        ? "the interface has exactly this peer"
        : "the daemon applied it exactly so";
      found.push(because("applied", what));
    }
  } else if (isThere === true || settled?.state !== "removed") {
    const what = settled?.error ?? "the interface has not been read back without it";
    found.push(because("revoking", what));
  }
  if (facts.repaired) {
    const { at, differences } = facts.repaired;
    found.push(
      because(
        "drift_repaired",
        `it was found with ${inWords(differences)}, and put right at ${at}`,
      ),
    );
  }
  const { publicKey, successorKey } = desired;
  if (successorKey !== null) {
    found.push(
      because("rotating", "a new key waits beside it, for its first handshake or its deadline"),
    );
  }
  if ([...observed?.keys() ?? []].some((key) => key !== publicKey && key !== successorKey)) {
    found.push(because("old_key", "a key that it had before is still on the interface"));
  }
  if (daemon === "unreachable") {
    found.push(because("daemon_unreachable", "nobody says what the interface has at this moment"));
  }
  if (daemon === "elsewhere") {
    found.push(
      because(
        "daemon_elsewhere",
        "its gateway is not the one of this API process, which knows what was written down alone",
      ),
    );
  }
  if (daemon === "degraded") {
    found.push(
      because(
        "daemon_degraded",
        "the daemon has no database, and knows no change since it lost it",
      ),
    );
  }
  return found;
}

/** Each reason why the row wants the peer off; none where it wants it on. */
function unwanted(desired: NonNullable<PeerFacts["desired"]>): Reason[] {
  const rules: [boolean, Reason["code"], string][] = [
    [desired.removed, "removed", "it was removed"],
    [!desired.enabled, "disabled", "it is disabled"],
    [desired.expired, "expired", "its time is over"],
    [!desired.ownerActive, "user_inactive", "the user it belongs to is not active"],
    [!desired.tenantActive, "tenant_suspended", "its tenant is suspended"],
  ];
  return rules.flatMap(([applies, code, detail]) => applies ? [{ code, detail }] : []);
}
