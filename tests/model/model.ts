/** A key as it stands on the interface; null for no preshared key. */
export interface ModelKey {
  publicKey: string;
  presharedKey: string | null;
}

export interface ModelTenant {
  id: number;
  /** A user of this tenant, who owns some of its peers. */
  ownerId: number;
  active: boolean;
  ownerActive: boolean;
}

export interface ModelPeer {
  id: string;
  tenant: ModelTenant;
  isOwned: boolean;
  address: string;
  key: ModelKey;
  /** Waits beside the key, and takes over at its deadline: nobody here shakes hands. */
  next: ModelKey & { deadline: number } | null;
  enabled: boolean;
  expiresAt: number | null;
  isDeleted: boolean;
  /** Counts what the interface must follow. */
  generation: number;
  /** What the daemon wrote down last. */
  observed: { generation: number; state: "applied" | "removed" } | null;
}

/** What everybody can look at, in a form that two can be compared by. */
export interface View {
  /** Null where there is none. */
  interface: string[] | null;
  peers: string[];
  /** Keys that went, and that nobody has proven gone yet. */
  retired: string[];
}

interface Entry {
  allowedIps: string[];
  presharedKey: string | null;
}

/** All that the product has to keep, written down once more and without a daemon, a database or a kernel. */
export class Model {
  daemonRuns = true;
  peers: ModelPeer[] = [];
  readonly retired = new Set<string>();
  /** What stands on the interface: what the daemon left there, and what was done by hand since. */
  kernel: Map<string, Entry> | null = new Map();

  constructor(readonly tenants: readonly ModelTenant[]) {}

  isWanted(peer: ModelPeer, now = Date.now()): boolean {
    const { tenant, isOwned, expiresAt } = peer;
    return !peer.isDeleted && peer.enabled && (expiresAt === null || expiresAt > now) &&
      tenant.active && (!isOwned || tenant.ownerActive);
  }

  /** As the HTTP contract says. */
  status(peer: ModelPeer, now = Date.now()): string {
    if (peer.isDeleted) return "revoking";
    const settled = peer.observed?.generation === peer.generation ? peer.observed.state : null;
    if (this.isWanted(peer, now)) return settled === "applied" ? "active" : "pending";
    if (settled !== "removed") return "revoking";
    const expired = peer.expiresAt !== null && peer.expiresAt <= now;
    return peer.enabled && expired ? "expired" : "disabled";
  }

  /** What becomes of it all while a daemon runs. */
  settle(now = Date.now()): void {
    if (!this.daemonRuns) return;
    this.peers = this.peers.filter(({ isDeleted }) => !isDeleted);
    this.retired.clear();
    this.kernel = new Map();
    for (const peer of this.peers) {
      const { next, address } = peer;
      if (next && next.deadline <= now) {
        peer.key = { publicKey: next.publicKey, presharedKey: next.presharedKey };
        peer.next = null;
        peer.generation++;
      }
      const wanted = this.isWanted(peer, now);
      peer.observed = { generation: peer.generation, state: wanted ? "applied" : "removed" };
      if (!wanted) continue;
      const { key } = peer;
      this.kernel.set(key.publicKey, { ...key, allowedIps: [`${address}/32`] });
      if (peer.next) this.kernel.set(peer.next.publicKey, { ...peer.next, allowedIps: [] });
    }
  }

  view(now = Date.now()): View {
    this.settle(now);
    return {
      interface: this.kernel &&
        [...this.kernel].map(([publicKey, { allowedIps, presharedKey }]) =>
          `${publicKey} ${allowedIps.join()} ${presharedKey ?? "-"} off`
        ).sort(),
      peers: this.peers.map((peer) =>
        viewOfPeer({
          id: peer.id,
          public_key: peer.key.publicKey,
          successor_public_key: peer.next?.publicKey ?? null,
          address: peer.address,
          status: this.status(peer, now),
        })
      ).sort(),
      retired: [...this.retired].sort(),
    };
  }
}

export function viewOfPeer(
  peer: {
    id: string;
    public_key: string;
    successor_public_key: string | null;
    address: string;
    status: string;
  },
): string {
  const { id, public_key, successor_public_key, address, status } = peer;
  return `${id} ${address} ${status} ${public_key} ${successor_public_key ?? "-"}`;
}
