import { inTime } from "../../lib/in_time.ts";
import { errorFields } from "../../lib/log.ts";
import { SnapshotError } from "./file.ts";
import { type Gone, keepFile, type SnapshotDeps, type SnapshotView } from "./kept_file.ts";

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
   * @throws {SnapshotError} when one might
   */
  beforeSaying(gone: Gone): Promise<void>;
  /** To be called after every pass: writes the state some time later, if it is another one. */
  passed(): void;
  /** Writes what is not written yet. */
  close(): Promise<void>;
}

/** So long a pass waits for the disk; and where the disk has kept one waiting, until it answers again. */
const usualPatience = { ms: 5_000, afterwardsMs: 100 };

/** When the file is written, and how long anybody waits for it; what is done to it is `kept_file.ts`'s. */
export function createSnapshot(
  { patience = usualPatience, ...deps }: SnapshotDeps & { patience?: typeof usualPatience },
): Snapshot {
  const { file, table, seen, log } = deps;
  const kept = keepFile(deps);
  let timer: number | NodeJS.Timeout | undefined;
  let queue: Promise<void> = Promise.resolve();
  /** The disk keeps somebody waiting who has given up since. */
  let isHanging = false;

  /** A strike must not meet a file that is just being replaced by one that was written down before it. */
  function alone(work: () => Promise<void>): Promise<void> {
    const done = queue.then(work);
    queue = done.catch(() => {});
    return done;
  }

  /** A disk that hangs must hold up no pass: others are to come, and expiries with them. The work itself goes on. */
  function bounded(work: Promise<void>): Promise<void> {
    return inTime(work.finally(() => isHanging = false), {
      ms: isHanging ? patience.afterwardsMs : patience.ms,
      late() {
        if (!isHanging) log.error("the snapshot's disk does not answer");
        isHanging = true;
        const late = new SnapshotError("the disk does not answer");
        kept.failed(late);
        return late;
      },
    });
  }

  async function writeIfNeeded(): Promise<void> {
    timer = undefined;
    if (!isDue()) return;
    try {
      await alone(kept.write);
    } catch (error) {
      if (file.free > 0 || kept.view.writtenAt === null) return;
      await alone(() => kept.discard(error)).catch((error) =>
        log.error("the snapshot cannot be given up", errorFields(error))
      );
    }
  }

  /** Not before everything was read. */
  function isDue(): boolean {
    return table.digests !== undefined &&
      (!kept.isCurrent || performance.now() >= kept.refreshAt);
  }

  return {
    get view() {
      return kept.view;
    },
    load: kept.load,
    async beforeAdding(publicKeys) {
      if (!kept.lacks(publicKeys)) return;
      // As where it cannot be marked nor taken away: that it is not true is said, and the tunnel goes on.
      await bounded(alone(kept.markIncomplete)).catch((error) => {
        if (!(error instanceof SnapshotError)) throw error;
      });
    },
    async beforeSaying(gone) {
      try {
        // Not before its turn: what is being written may name keys that the file before it did not.
        await bounded(alone(() => kept.strike(gone)));
      } catch (error) {
        // What neither file names was told before, and stays true whatever becomes of them.
        if (!isHanging || kept.namesOf(gone).size > 0) throw error;
      }
    },
    passed() {
      seen.snapshotIsCurrent = kept.isCurrent;
      if (timer !== undefined || !isDue()) return;
      timer = setTimeout(writeIfNeeded, Math.max(0, kept.restsUntil - performance.now()));
    },
    async close() {
      clearTimeout(timer);
      await bounded(writeIfNeeded().then(() => queue)).catch((error) => {
        if (!(error instanceof SnapshotError)) throw error;
      });
    },
  };
}
