import { onlineMs } from "../../lib/online.ts";
import type { DesiredPeer } from "../desired.ts";
import type { ObservedPeer } from "../observed.ts";
import { type Account, book, emptyAccount, type PeerEvent } from "./account.ts";

/** An account as the database has it. */
export interface StoredAccount {
  readonly tenantId: number;
  readonly peerId: string;
  readonly account: Account;
}

/** What a peer's row has that this daemon counts from now on. */
export interface ClaimedAccount extends StoredAccount {
  /** Another daemon counted until now. */
  readonly isNew: boolean;
}

/** What is to be written of a peer. */
export interface Entry extends StoredAccount {
  readonly events: readonly PeerEvent[];
  /** The database has a row of it already. */
  readonly hasRow: boolean;
}

/** One look at some peers, or at all. */
export interface Look {
  readonly peers: Iterable<DesiredPeer>;
  readonly observed: ReadonlyMap<string, ObservedPeer>;
  /** The interface was made anew for this look, and every counter with it. */
  readonly created: boolean;
  /** `peers` are all that there are: those not among them are forgotten. */
  readonly all: boolean;
  /** Nothing at all has happened on the interface since the last look at all peers, and these are the same. */
  readonly isSame?: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

interface Line {
  readonly tenantId: number;
  account: Account;
  /** What was observed of it last: the same object again means that nothing happened. */
  observed: ObservedPeer | undefined;
  written: Account;
  hasRow: boolean;
  /** The account goes on from what the database had. */
  adopted: boolean;
  /** By the monotonic clock. */
  writtenAt: number;
  events: PeerEvent[];
  tombstone: boolean;
}

/** Events kept of one peer while the database is away. */
const eventBacklog = 20;
/** Readers call a peer offline by the handshake that is written; one that went on is written before that. */
const handshakeLagMs = onlineMs - 30_000;

/** The accounts of all peers, and how much of them the database has. Nothing is booked before it was loaded. */
export class Ledger {
  readonly #lines = new Map<string, Line>();
  /** Peers that time alone makes offline. */
  readonly #online = new Set<string>();
  readonly #intervalMs: number;
  #loaded = false;
  #createdBefore = false;

  /** @param intervalMs how long counters may wait to be written */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  get loaded(): boolean {
    return this.#loaded;
  }

  /** @param monotonic milliseconds by the monotonic clock */
  load(stored: Iterable<StoredAccount>, monotonic: number): void {
    for (const { tenantId, peerId, account } of stored) {
      this.#lines.set(peerId, {
        ...newLine(tenantId, account),
        hasRow: true,
        adopted: true,
        writtenAt: monotonic,
      });
      if (account.onlineSince !== null) this.#online.add(peerId);
    }
    // An interface that was made since this daemon started has begun to count anew, whatever it counts now.
    if (this.#createdBefore) this.#beginAnew();
    this.#loaded = true;
  }

  look({ peers, observed, created, all, isSame = false, now }: Look): void {
    if (!this.#loaded) {
      this.#createdBefore ||= created;
      return;
    }
    if (created) this.#beginAnew();
    if (isSame && this.#online.size === 0) return;
    const seen = all ? new Set<string>() : undefined;
    for (const { id, tenantId, publicKey, tombstone } of peers) {
      seen?.add(id);
      const peer = observed.get(publicKey);
      let line = this.#lines.get(id);
      if (!line) {
        if (!peer) continue;
        line = newLine(tenantId, emptyAccount);
        this.#lines.set(id, line);
      }
      line.tombstone = tombstone;
      const { onlineSince, handshake } = line.account;
      const endsNow = onlineSince !== null && now >= handshake * 1000 + onlineMs;
      if (peer === line.observed && !endsNow && !created) continue;
      const { account, event } = book(line.account, peer, now);
      line.account = account;
      line.observed = peer;
      if (account.onlineSince === null) this.#online.delete(id);
      else this.#online.add(id);
      if (event) line.events = [...line.events, event].slice(-eventBacklog);
    }
    if (!seen) return;
    for (const id of this.#lines.keys()) {
      if (seen.has(id)) continue;
      this.#lines.delete(id);
      this.#online.delete(id);
    }
  }

  #beginAnew(): void {
    for (const line of this.#lines.values()) {
      line.account = { ...line.account, publicKey: null, keyReceived: 0, keySent: 0 };
    }
  }

  /**
   * What has to be written now: all that came or went, and of the rest what has waited long enough. A peer on
   * its way out is left out, since its row is about to go.
   */
  due({ monotonic, now, everything = false }: {
    monotonic: number;
    now: number;
    everything?: boolean;
  }): Entry[] {
    const entries: Entry[] = [];
    for (const [peerId, line] of this.#lines) {
      const { tenantId, account, written, events, hasRow, tombstone } = line;
      if (account === written || tombstone) continue;
      const isDue = everything || events.length > 0 ||
        monotonic - line.writtenAt >= this.#intervalMs ||
        (account.handshake > written.handshake && now - written.handshake * 1000 > handshakeLagMs);
      if (isDue && isWorthARow(account)) {
        entries.push({ tenantId, peerId, account, events, hasRow });
      }
    }
    return entries;
  }

  /** Goes on from what was recorded of peers that another daemon counted, or may have. */
  adopt(stored: readonly ClaimedAccount[]): void {
    for (const { peerId, account, isNew } of stored) {
      const line = this.#lines.get(peerId);
      if (!line || (line.adopted && !isNew)) continue;
      const { merged, events } = continued(account, line);
      line.account = merged;
      line.events = events;
      line.written = account;
      line.adopted = true;
      if (merged.onlineSince !== null) this.#online.add(peerId);
    }
  }

  /** The same entries as they are now. */
  again(entries: readonly Entry[]): Entry[] {
    return entries.flatMap(({ peerId }) => {
      const line = this.#lines.get(peerId);
      if (!line) return [];
      const { tenantId, account, events, hasRow } = line;
      return [{ tenantId, peerId, account, events, hasRow }];
    });
  }

  /**
   * Takes over what became of entries that were due.
   * @param written ids of those that the database has now; the others have no row
   */
  wrote(entries: readonly Entry[], written: ReadonlySet<string>, monotonic: number): void {
    for (const { peerId, account, events } of entries) {
      const line = this.#lines.get(peerId);
      if (!line) continue;
      line.hasRow = written.has(peerId);
      line.writtenAt = monotonic;
      if (!line.hasRow) continue;
      line.written = account;
      const last = events.at(-1)?.n ?? 0;
      line.events = line.events.filter((event) => event.n > last);
    }
  }
}

function newLine(tenantId: number, account: Account): Line {
  return {
    tenantId,
    account,
    observed: undefined,
    written: account,
    hasRow: false,
    adopted: false,
    writtenAt: -Infinity,
    events: [],
    tombstone: false,
  };
}

/** A key that stands on the interface and never heard anything has nothing to tell. */
function isWorthARow({ received, sent, handshake }: Account): boolean {
  return received > 0 || sent > 0 || handshake > 0;
}

/** What is recorded, and on top of it what a line has counted and noted since it was written last. */
function continued(
  stored: Account,
  { account, written, events }: Pick<Line, "account" | "written" | "events">,
): { merged: Account; events: PeerEvent[] } {
  const sum = (before: number, since: number) =>
    Math.min(before + Math.max(0, since), Number.MAX_SAFE_INTEGER);
  const [first] = events;
  // Nobody notes that a peer left when it moves; that it comes here says so.
  const left: Omit<PeerEvent, "n">[] = stored.onlineSince !== null && first?.kind === "connected"
    ? [{
      kind: "disconnected",
      at: Math.min(stored.handshake * 1000 + onlineMs, first.at),
      endpoint: stored.endpoint,
    }]
    : [];
  const noted = [...left, ...events].map((event, at) => ({ ...event, n: stored.events + at + 1 }));
  return {
    merged: {
      ...account,
      received: sum(stored.received, account.received - written.received),
      sent: sum(stored.sent, account.sent - written.sent),
      endpoint: account.endpoint ?? stored.endpoint,
      handshake: Math.max(account.handshake, stored.handshake),
      onlineSince: noted.length > 0
        ? account.onlineSince
        : account.onlineSince ?? stored.onlineSince,
      events: stored.events + noted.length,
    },
    events: noted,
  };
}
