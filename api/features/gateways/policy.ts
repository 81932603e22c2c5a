/** How a gateway is, in one word. */
export const gatewayStates = ["up", "stalled", "down", "announced", "retired"] as const;
export type GatewayState = typeof gatewayStates[number];

export interface GatewayFacts {
  retired: boolean;
  /** Its daemon has published a key, at whatever time. */
  published: boolean;
  /** Its daemon has a session at the database at this very moment. */
  lives: boolean;
  /** Seconds since its interface was read back last; null where that is not known. */
  readBackAge: number | null;
}

/** A daemon that has not read back for so many seconds hangs, or cannot work on its interface. */
const stalledSeconds = 60;

/**
 * A session says that a daemon lives, and never a time: one that was killed is `down` as soon as its session has
 * ended. A time can only take away from that.
 */
export function gatewayState(facts: GatewayFacts): GatewayState {
  if (facts.retired) return "retired";
  if (!facts.published) return "announced";
  if (!facts.lives) return "down";
  return facts.readBackAge !== null && facts.readBackAge <= stalledSeconds ? "up" : "stalled";
}

interface Candidate {
  id: number;
  state: GatewayState;
  accepts_peers: boolean;
  /** Addresses that can be taken now. */
  free: number;
}

/**
 * Where a peer goes when nobody says: to the tenant's default where that is up and takes peers, else to the one
 * that is up, takes peers and has the most free addresses.
 * @returns undefined where there is none
 */
export function placeOf(
  candidates: readonly Candidate[],
  tenantDefault: number | null,
): number | undefined {
  const open = candidates.filter((each) => each.state === "up" && each.accepts_peers);
  const own = open.find((each) => each.id === tenantDefault);
  return (own ?? open.toSorted((a, b) => b.free - a.free || a.id - b.id)[0])?.id;
}
