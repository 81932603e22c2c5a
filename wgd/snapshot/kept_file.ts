import type { AddressPlan } from "../../lib/address.ts";
import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { type DesiredPeer, isWanted, peerKeys } from "../desired.ts";
import type { DesiredTable } from "../desired/table.ts";
import type { Seen } from "../seen/mod.ts";
import { decodeBody, encodeBody } from "./body.ts";
import { SnapshotError, type SnapshotFile } from "./file.ts";
import { NamesOnDisk } from "./names.ts";

/** What status and metrics say of the snapshot. */
export interface SnapshotView {
  /** Milliseconds since the Unix epoch; null where there is no file to start from. */
  readonly writtenAt: number | null;
  /** Why it was refused or could not be written, in plain words. */
  readonly error: string | null;
}

/** What is about to be told gone, by public keys. */
export interface Gone {
  readonly removed: readonly string[];
  /** Are forgotten: without row or tombstone from now on. */
  readonly purged: readonly string[];
  /**
   * Milliseconds since the Unix epoch of the latest expiry among those removed; a clock that is set back must not
   * revive that one, even where only its row remembers it.
   */
  readonly expiry: number;
}

/** The file, and what is known of it. What changes it is to be called one at a time. */
export interface KeptFile {
  readonly view: SnapshotView;
  /** It has all that the table has. */
  readonly isCurrent: boolean;
  /** When it is to be written again though nothing changed, and until when not, by the monotonic clock. */
  readonly refreshAt: number;
  readonly restsUntil: number;
  /** Never throws: a file that is refused is said, and not used. */
  load(): Promise<void>;
  /** @throws {SnapshotError} */
  write(): Promise<void>;
  /** To be told of keys that come. @returns whether the file has to be marked, because it does not name one of them */
  lacks(publicKeys: Iterable<string>): boolean;
  /** Notes that there are peers on the interface which the file does not name. */
  markIncomplete(): Promise<void>;
  /** Of what goes, the keys that a snapshot might bring back. */
  namesOf(gone: Gone): Set<string>;
  /** Sees to it that the file does not bring them back. @throws {SnapshotError} */
  strike(gone: Gone): Promise<void>;
  /**
   * Where no removal can be noted, no snapshot is better than one that brings a revoked peer back.
   * @throws {SnapshotError} when it cannot be taken away
   */
  discard(error: unknown): Promise<void>;
  /** Says what went wrong, until it is written. */
  failed(error: SnapshotError): void;
}

/** Additions are gathered for so long before all of the state is written. */
const gatherMs = 2_000;
/** Writing takes a fiftieth of the time at most: 10,000 peers are 3 MB. */
const restFactor = 50;
/** The state is written at least so often, for the time in it. */
const refreshMs = 60_000;

/** What keeping a snapshot takes. */
export interface SnapshotDeps {
  file: SnapshotFile;
  plan: AddressPlan;
  table: DesiredTable;
  seen: Seen;
  clock: Clock;
  log: Logger;
}

export function keepFile({ file, plan, table, seen, clock, log }: SnapshotDeps): KeptFile {
  let view: SnapshotView = { writtenAt: null, error: null };
  const names = new NamesOnDisk();
  /** No peer is on the interface that the file does not name. */
  let complete = true;
  /** The highest time that the file remembers. */
  let writtenTime = 0;
  let writtenVersion = -1;
  let restsUntil = 0;
  let refreshAt = 0;

  const isCurrent = () => complete && writtenVersion === table.version;

  function failed(error: SnapshotError): void {
    view = { ...view, error: error.message };
  }

  async function write(): Promise<void> {
    const { version } = table;
    const started = performance.now();
    const now = clock.now();
    const highestTime = seen.now();
    const isLive = (peer: DesiredPeer) => isWanted(peer, highestTime) && !peer.heldBecause;
    names.begin({
      live: new Set([...table.peers.values()].filter(isLive).flatMap(peerKeys)),
      known: new Set(table.knownKeys()),
    });
    try {
      await file.write(encodeBody(table, { writtenAt: now, highestTime }));
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      if (view.error !== error.message) log.error("the snapshot is not kept", errorFields(error));
      failed(error);
      // Where slots are free, the file before is the one that stands.
      if (file.free > 0) names.cancel();
      throw error;
    } finally {
      const ended = performance.now();
      restsUntil = ended + Math.max(gatherMs, (ended - started) * restFactor);
    }
    const { isOutdated } = names.ended();
    complete = true;
    writtenTime = highestTime;
    writtenVersion = version;
    refreshAt = performance.now() + refreshMs;
    view = { writtenAt: now, error: null };
    if (isOutdated) await markIncomplete();
    seen.snapshotIsCurrent = isCurrent();
  }

  async function markIncomplete(): Promise<void> {
    complete = false;
    try {
      if (file.free > 0) await file.markIncomplete();
      else throw new SnapshotError("the snapshot has no free slot");
    } catch (error) {
      await discard(error).catch((error) =>
        log.error("the snapshot cannot be kept true", errorFields(error))
      );
    }
  }

  async function discard(error: unknown): Promise<void> {
    if (!(error instanceof SnapshotError)) throw error;
    log.error("the snapshot is given up, because it cannot be kept true", errorFields(error));
    await file.unlink();
    names.replace();
    writtenTime = 0;
    writtenVersion = -1;
    view = { writtenAt: null, error: error.message };
  }

  const isLate = (expiry: number) => expiry > writtenTime && view.writtenAt !== null;

  function namesOf({ removed, purged }: Gone): Set<string> {
    return new Set([
      ...removed.filter((publicKey) => names.has("live", publicKey)),
      ...purged.filter((publicKey) => names.has("known", publicKey)),
    ]);
  }

  return {
    get view() {
      return view;
    },
    get isCurrent() {
      return isCurrent();
    },
    get refreshAt() {
      return refreshAt;
    },
    get restsUntil() {
      return restsUntil;
    },
    failed,
    write,
    markIncomplete,
    discard,
    namesOf,
    async load() {
      try {
        const stored = await file.read();
        if (!stored) return;
        const body = decodeBody(stored.body, { plan, struck: stored.struck });
        ({ complete } = stored);
        table.restore({ ...body, complete });
        const live = body.peers.filter((peer) => peer.active && !peer.heldBecause);
        names.replace({ live: new Set(live.flatMap(peerKeys)), known: new Set(table.knownKeys()) });
        view = { writtenAt: body.writtenAt, error: null };
        writtenTime = Math.max(body.highestTime, stored.time);
        seen.wasAt(writtenTime);
      } catch (error) {
        const words = error instanceof SnapshotError
          ? error.message
          : "the snapshot is of an unknown kind; it is not used";
        view = { writtenAt: null, error: words };
        log.error("the snapshot is refused", { error: words });
      }
    },
    lacks(publicKeys) {
      const isMarked = !complete || view.writtenAt === null;
      if (isMarked && !names.isChanging) return false;
      const areKnown = names.added(publicKeys);
      if (isMarked || areKnown) return false;
      complete = false;
      return true;
    },
    async strike(gone) {
      const { expiry } = gone;
      const hits = namesOf(gone);
      if (hits.size === 0 && !isLate(expiry)) return;
      try {
        // What was just written names them no longer as wanted.
        if (hits.size + (isLate(expiry) ? 1 : 0) > file.free) await write();
        const left = [...hits].filter((publicKey) => names.has("known", publicKey));
        if (left.length + (isLate(expiry) ? 1 : 0) <= file.free) {
          await file.strike(left, isLate(expiry) ? expiry : undefined);
          writtenTime = Math.max(writtenTime, expiry);
        } else if (left.some((publicKey) => names.has("live", publicKey))) {
          throw new SnapshotError("the snapshot has too few free slots");
        }
      } catch (error) {
        // A time that is not noted revives somebody only if the clock is set back as well, and soon.
        if (hits.size > 0) await discard(error);
        else log.error("the time is not kept", errorFields(error));
      }
      names.strike(hits);
    },
  };
}
