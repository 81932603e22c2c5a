import { z } from "zod";
import type { AddressPlan } from "../../lib/address.ts";
import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { Secret } from "../../lib/secret.ts";
import { allowedIpsOf, type DesiredPeer, isWanted, peerKeys, promoted } from "../desired.ts";
import type { Seen } from "../seen/mod.ts";
import { SnapshotError, type SnapshotFile } from "./file.ts";
import type { DesiredTable } from "../desired/table.ts";

/** What status and metrics say of the snapshot. */
export interface SnapshotView {
  /** Milliseconds since the Unix epoch; null where there is no file to start from. */
  readonly writtenAt: number | null;
  /** Why it was refused or could not be written, in plain words. */
  readonly error: string | null;
}

/**
 * Keeps the last known good state on disk (T8), so that the tunnel can be built without the database, and so
 * that the daemon still knows after a restart which keys once had a row (docs/decisions/0014-snapshot.md).
 */
export interface Snapshot {
  readonly view: SnapshotView;
  /** Takes over into the table what the file holds. Never throws: a file that is refused is said, and not used. */
  load(): Promise<void>;
  /** To be called before these keys are put on the interface. */
  beforeAdding(publicKeys: Iterable<string>): Promise<void>;
  /**
   * To be called before anybody is told that these keys are gone. When it resolves, no snapshot brings them back.
   * @param keys.purged are forgotten: without row or tombstone from now on
   * @param keys.expiry milliseconds since the Unix epoch of the latest expiry among those removed; a clock that is
   * set back must not revive that one, even where only its row remembers it
   * @throws {SnapshotError} when one might
   */
  beforeSaying(
    keys: { removed: Iterable<string>; purged: Iterable<string>; expiry: number },
  ): Promise<void>;
  /** To be called after every pass: writes the state some time later, if it is another one. */
  passed(): void;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

/** Additions are gathered for so long before all of the state is written. */
const gatherMs = 2_000;
/** Writing takes a fiftieth of the time at most: 10,000 peers are 3 MB. */
const restFactor = 50;
/** So long a pass waits for the disk; and where the disk has kept one waiting, until it answers again. */
const usualPatience = { ms: 5_000, afterwardsMs: 100 };
/** The state is written at least so often, for the time in it. */
const refreshMs = 60_000;

const peerSchema = z.tuple([
  z.number(), // tenant
  z.string(),
  z.string(),
  z.string(),
  z.string().nullable(), // preshared key
  z.string(),
  z.boolean(),
  z.number().nullable(),
  z.string().nullable(),
  z.tuple([z.string(), z.string().nullable(), z.number(), z.string().nullable()]).nullable(),
]);
const bodySchema = z.object({
  writtenAt: z.number(),
  highestTime: z.number(),
  peers: z.array(peerSchema),
  retired: z.array(z.tuple([z.number(), z.string(), z.string()])),
  held: z.array(z.tuple([z.string(), z.string()])),
});

export function createSnapshot(
  { file, plan, table, seen, clock, log, patience = usualPatience }: {
    file: SnapshotFile;
    plan: AddressPlan;
    table: DesiredTable;
    seen: Seen;
    clock: Clock;
    log: Logger;
    patience?: typeof usualPatience;
  },
): Snapshot {
  let view: SnapshotView = { writtenAt: null, error: null };
  /** Keys that the file would put on the interface, and all that it names. */
  let live = new Set<string>();
  let known = new Set<string>();
  /**
   * The same of what is being written, or was written in part: as long as one or the other may be on the disk, a
   * removal has to be noted where either names the key, and an addition where either does not.
   */
  let coming: { live: Set<string>; known: Set<string>; isOutdated: boolean } | undefined;
  let complete = true;
  /** The highest time that the file remembers. */
  let writtenTime = 0;
  let writtenVersion = -1;
  // By the monotonic clock.
  let nextWriteAt = 0;
  let refreshAt = 0;
  let timer: number | NodeJS.Timeout | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  /** The disk keeps somebody waiting who has given up since. */
  let isHanging = false;

  /** A strike must not meet a file that is just being replaced by one that was written down before it. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const done = queue.then(work);
    queue = done.catch(() => {});
    return done;
  }

  /** A disk that hangs must hold up no pass: others are to come, and expiries with them. The work itself goes on. */
  async function inTime<T>(work: Promise<T>): Promise<T> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      if (!isHanging) log.error("the snapshot's disk does not answer");
      isHanging = true;
      const error = "the disk does not answer";
      view = { ...view, error };
      late.reject(new SnapshotError(error));
    }, isHanging ? patience.afterwardsMs : patience.ms);
    const answered = work.finally(() => isHanging = false);
    // It may fail long after nobody waits for it any more.
    answered.catch(() => {});
    try {
      return await Promise.race([answered, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  function forget(): void {
    live = new Set();
    known = new Set();
    coming = undefined;
    writtenTime = 0;
    view = { ...view, writtenAt: null };
    writtenVersion = -1;
  }

  async function write(): Promise<void> {
    const { version } = table;
    const started = performance.now();
    const now = clock.now();
    const highestTime = seen.now();
    const peers = [...table.peers.values()];
    const isLive = (peer: DesiredPeer) => isWanted(peer, highestTime) && !peer.heldBecause;
    const names = {
      live: new Set(peers.filter(isLive).flatMap(peerKeys)),
      known: new Set(table.knownKeys()),
      isOutdated: false,
    };
    coming = names;
    const body: z.infer<typeof bodySchema> = {
      writtenAt: now,
      highestTime,
      peers: peers.map((peer) => [
        peer.tenantId,
        peer.id,
        peer.publicKey,
        peer.address,
        peer.presharedKey?.reveal() ?? null,
        peer.generation,
        isWanted(peer, highestTime),
        peer.expiresAt,
        peer.heldBecause,
        peer.successor && [
          peer.successor.publicKey,
          peer.successor.presharedKey?.reveal() ?? null,
          peer.successor.deadline,
          peer.successor.heldBecause,
        ],
      ]),
      retired: [...table.retired.values()].map((
        key,
      ) => [key.tenantId, key.peerId, key.publicKey]),
      held: [...table.heldKeys()],
    };
    try {
      await file.write(new TextEncoder().encode(JSON.stringify(body)));
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      if (view.error !== error.message) log.error("the snapshot is not kept", errorFields(error));
      view = { ...view, error: error.message };
      // Where slots are free, the file before is the one that stands.
      if (file.free > 0) coming = undefined;
      throw error;
    } finally {
      const ended = performance.now();
      nextWriteAt = ended + Math.max(gatherMs, (ended - started) * restFactor);
    }
    ({ live, known } = names);
    coming = undefined;
    complete = true;
    writtenTime = highestTime;
    writtenVersion = version;
    refreshAt = performance.now() + refreshMs;
    view = { writtenAt: now, error: null };
    if (names.isOutdated) await markIncomplete();
    seen.snapshotIsCurrent = complete && version === table.version;
  }

  /** Notes that there are peers on the interface which the file does not name. */
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

  /** Where no removal can be noted, no snapshot is better than one that brings a revoked peer back. */
  async function discard(error: unknown): Promise<void> {
    if (!(error instanceof SnapshotError)) throw error;
    log.error("the snapshot is given up, because it cannot be kept true", errorFields(error));
    await file.unlink();
    forget();
    view = { writtenAt: null, error: error.message };
  }

  async function writeIfNeeded(): Promise<void> {
    timer = undefined;
    if (!isDue()) return;
    try {
      await alone(write);
    } catch (error) {
      if (file.free > 0 || view.writtenAt === null) return;
      await alone(() => discard(error)).catch((error) =>
        log.error("the snapshot cannot be given up", errorFields(error))
      );
    }
  }

  function isDue(): boolean {
    if (!table.digests) return false;
    return writtenVersion !== table.version || !complete ||
      performance.now() >= refreshAt;
  }

  return {
    get view() {
      return view;
    },
    async load() {
      try {
        const stored = await file.read();
        if (!stored) return;
        const body = bodySchema.parse(JSON.parse(new TextDecoder().decode(stored.body)));
        const { struck } = stored;
        const peers = body.peers.map((row) => withoutStruck(toPeer(row, plan), struck))
          .filter((peer) => peer !== null);
        complete = stored.complete;
        table.restore({
          peers,
          retired: body.retired.filter(([, , publicKey]) => !struck.has(publicKey))
            .map(([tenantId, peerId, publicKey]) => ({ tenantId, peerId, publicKey })),
          held: body.held.filter(([publicKey]) => !struck.has(publicKey)),
          complete,
        });
        live = new Set(
          peers.filter((peer) => peer.active && !peer.heldBecause).flatMap(peerKeys),
        );
        known = new Set(table.knownKeys());
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
    async beforeAdding(publicKeys) {
      const isMarked = !complete || view.writtenAt === null;
      if (isMarked && !coming) return;
      let isKnown = true;
      for (const publicKey of publicKeys) {
        if (coming && !coming.known.has(publicKey)) coming.isOutdated = true;
        isKnown &&= known.has(publicKey);
      }
      if (isMarked || isKnown) return;
      complete = false;
      // As where it cannot be marked nor taken away: that it is not true is said, and the tunnel goes on.
      await inTime(alone(markIncomplete)).catch((error) => {
        if (!(error instanceof SnapshotError)) throw error;
      });
    },
    async beforeSaying({ removed, purged, expiry }) {
      const names = (what: "live" | "known", publicKey: string) =>
        (what === "live" ? live : known).has(publicKey) || coming?.[what].has(publicKey) === true;
      const isLate = () => expiry > writtenTime && view.writtenAt !== null;
      const [going, forgotten] = [[...removed], [...purged]];
      const named = () =>
        new Set([
          ...going.filter((publicKey) => names("live", publicKey)),
          ...forgotten.filter((publicKey) => names("known", publicKey)),
        ]);
      // Not before its turn: what is being written may name keys that the file before it did not.
      const noted = alone(async () => {
        const hits = named();
        if (hits.size === 0 && !isLate()) return;
        try {
          // What was just written names them no longer as wanted.
          if (hits.size + (isLate() ? 1 : 0) > file.free) await write();
          const left = [...hits].filter((publicKey) => names("known", publicKey));
          if (left.length + (isLate() ? 1 : 0) <= file.free) {
            await file.strike(left, isLate() ? expiry : undefined);
            writtenTime = Math.max(writtenTime, expiry);
          } else if (left.some((publicKey) => names("live", publicKey))) {
            throw new SnapshotError("the snapshot has too few free slots");
          }
        } catch (error) {
          // A time that is not noted revives somebody only if the clock is set back as well, and soon.
          if (hits.size > 0) await discard(error);
          else log.error("the time is not kept", errorFields(error));
        }
        for (const publicKey of hits) {
          for (const  of of[{ live, known }, coming]) {
            of?.live.delete(publicKey);
            of?.known.delete(publicKey);
          }
        }
      });
      try {
        await inTime(noted);
      } catch (error) {
        // What neither file names was told before, and stays true whatever becomes of them.
        if (!isHanging || named().size > 0) throw error;
      }
    },
    passed() {
      seen.snapshotIsCurrent = complete && writtenVersion === table.version;
      if (timer !== undefined || !isDue()) return;
      timer = setTimeout(writeIfNeeded, Math.max(0, nextWriteAt - performance.now()));
    },
    async close() {
      clearTimeout(timer);
      const written = writeIfNeeded().then(() => queue);
      await inTime(written).catch((error) => {
        if (!(error instanceof SnapshotError)) throw error;
      });
    },
  };
}

function toPeer(row: z.infer<typeof peerSchema>, plan: AddressPlan): DesiredPeer {
  const [tenantId, id, publicKey, address, psk, generation, active, expiresAt, heldBecause, next] =
    row;
  return {
    tenantId,
    id,
    publicKey,
    address,
    allowedIps: allowedIpsOf(plan, address),
    presharedKey: psk === null ? null : new Secret(psk),
    successor: next && {
      publicKey: next[0],
      presharedKey: next[1] === null ? null : new Secret(next[1]),
      deadline: next[2],
      heldBecause: next[3],
    },
    generation,
    active,
    expiresAt,
    tombstone: false,
    heldBecause,
    status: null,
  };
}

/** The peer without keys that were noted as gone: of a key that a successor has taken over from, that one is left. */
function withoutStruck(peer: DesiredPeer, struck: ReadonlySet<string>): DesiredPeer | null {
  const left = peer.successor && struck.has(peer.successor.publicKey)
    ? { ...peer, successor: null }
    : peer;
  return struck.has(peer.publicKey) ? promoted(left) : left;
}
