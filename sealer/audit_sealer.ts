import { join } from "node:path";
import { isThere } from "../lib/absent.ts";
import type { Sql } from "../db/connection.ts";
import { whySessionUnfit } from "../db/session_check.ts";
import type { Clock } from "../lib/clock.ts";
import { genesis } from "../lib/audit/chain.ts";
import {
  type CheckpointSigner,
  type Leaf,
  makeCheckpoint,
  receiptOf,
} from "../lib/audit/checkpoint.ts";
import { inTime } from "../lib/in_time.ts";
import { errorFields, type Logger } from "../lib/log.ts";
import { type CheckpointFolder } from "./checkpoint_folder.ts";
import { LockLostError, sealBatch, type Sweep } from "./seal_batch.ts";
import { makePartitions, retain } from "./months.ts";
import { countUnsealed, type Head, readReceiptLeaves, writeReceipts } from "./store.ts";
import { compare } from "./trust.ts";

/** One number for all sealers of a database: the second waits. */
const advisoryLock = 0x6d617373 + 1;

export interface SealerOptions {
  sql: Sql;
  folder: CheckpointFolder;
  /** The folder's path: a file `restart` in it asks to begin anew. */
  path: string;
  signer: CheckpointSigner;
  clock: Clock;
  log: Logger;
  retentionMonths: number | null;
  /** Entries a batch, at most; 1,000 unless told. */
  batchSize?: number;
}

/** What is told of it, in its status and metrics. */
export interface SealerState {
  /** False while another sealer has the lock, or nothing was done yet. */
  leading: boolean;
  sealedTotal: number;
  failuresTotal: number;
  /** Milliseconds since the Unix epoch, as the next; of this one's start where none has succeeded yet. */
  lastRoundAt: number;
  /** 0 for never. */
  lastCheckpointAt: number;
  checkpoint: number;
  /** Milliseconds that the slowest entry of the last batch waited. */
  waitedMs: number;
  /** Entries without a seal when they were last counted. */
  unsealed: number;
  /** Why nothing is signed; null when all is well. */
  distrust: string | null;
  /** Rows of months that have no partition of their own. */
  misplaced: number;
}

export interface AuditSealer {
  readonly state: SealerState;
  /**
   * Seals what is there, and signs it.
   * @returns whether there is more at once
   * @throws whatever the database or the disk said; the next round repeats what was not done
   */
  round(): Promise<boolean>;
  /** Makes partitions ahead, and drops what is past its retention. */
  maintain(): Promise<void>;
  /** Counts what waits, whoever seals. Where it takes longer than `withinMs`, the state keeps the count before it. */
  count(withinMs: number): Promise<void>;
}

/** Seals the audit log of a database, and signs checkpoints of it into a folder. */
export function createAuditSealer(options: SealerOptions): AuditSealer {
  const { sql, folder, signer, clock, log, batchSize = 1_000 } = options;
  const state: SealerState = {
    leading: false,
    sealedTotal: 0,
    failuresTotal: 0,
    lastRoundAt: clock.now(),
    lastCheckpointAt: folder.last ? clock.now() : 0,
    checkpoint: folder.last?.n ?? 0,
    waitedMs: 0,
    unsealed: 0,
    distrust: null,
    misplaced: 0,
  };
  let pid: number | undefined;
  let counting: Promise<void> | undefined;
  let sweep: Sweep | undefined;
  /** The database measures all that it is asked for: where entries are long, that is about twice as many as fit. */
  let limit = batchSize;
  /** Where each chain ended when this process last saw it. */
  let heads = new Map<number, Head>();
  /** What was said of chains before an operator began anew. */
  let earlier = new Map<number, Leaf>();
  /** Chains that moved since the last checkpoint. */
  const moved = new Set<number>();

  function doubt(reason: string): void {
    if (state.distrust === null) log.critical("the audit log is not what was sealed", { reason });
    state.distrust = reason;
  }

  /** Takes the lock of the sealers, and looks at what there is; false while another one leads. */
  async function lead(): Promise<number | undefined> {
    const unfit = await whySessionUnfit(sql);
    if (unfit !== undefined) throw new Error(unfit);
    const [lock] = await sql<[{ taken: boolean; pid: number }]>`
      select pg_try_advisory_lock(${advisoryLock}) as taken, pg_backend_pid() as pid`;
    if (!lock.taken) return undefined;
    // A host that vanishes without a word gives the lock up after some 11 s, not after two hours; where an answer to it
    // was on its way, which the last one bounds, not after a quarter of one.
    await sql`
      select set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
        set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '11000', false)`;
    const restart = join(options.path, "restart");
    const afresh = await isThere(restart);
    if (afresh && folder.last) {
      doubt(`${restart} asks to begin anew: move the files of the old checkpoints away first`);
    } else {
      const agreement = await compare(sql, folder, { afresh });
      if (agreement.distrust !== null) doubt(agreement.distrust);
      heads = agreement.heads;
      if (afresh) earlier = await readReceiptLeaves(sql);
    }
    for (const head of heads.values()) {
      if (folder.leaves.get(head.tenant_id)?.seq !== head.seq) moved.add(head.tenant_id);
    }
    state.leading = true;
    log.info("sealing", { checkpoint: state.checkpoint });
    return lock.pid;
  }

  async function sign(leaves: readonly Leaf[]): Promise<void> {
    const at = new Date(clock.now());
    const all = new Map(folder.beginsFile(at) ? folder.leaves : []);
    for (const leaf of leaves) all.set(leaf.tenant_id, leaf);
    const checkpoint = await makeCheckpoint(signer, {
      leaves: [...all.values()],
      at,
      before: folder.last,
    });
    await folder.append(checkpoint).catch((cause) => {
      // A full disk says of itself neither where it is nor what for.
      const said = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`a checkpoint cannot be written to ${options.path}: ${said}`, { cause });
    });
    if (checkpoint.n === 1) await Deno.remove(join(options.path, "restart")).catch(() => {});
    state.checkpoint = checkpoint.n;
    state.lastCheckpointAt = clock.now();
    await writeReceipts(
      sql,
      checkpoint.leaves.map((leaf) => receiptOf(checkpoint, leaf.tenant_id, signer.publicKey)),
    );
  }

  const leafOf = ({ tenant_id, seq, hash }: Head): Leaf => {
    const known = folder.leaves.get(tenant_id) ?? earlier.get(tenant_id);
    const { floor_seq = 0, floor_hash = genesis, cut = null } = known ?? {};
    return { tenant_id, seq, hash, floor_seq, floor_hash, cut };
  };

  async function round(): Promise<boolean> {
    pid ??= await lead();
    if (pid === undefined) {
      state.leading = false;
      // Entries wait for the other one, which says itself how long.
      state.lastRoundAt = clock.now();
      state.waitedMs = 0;
      return false;
    }
    const batch = await sealBatch(sql, { pid, limit, sweep });
    sweep = batch.sweep;
    limit = sweep ? Math.min(batchSize, Math.max(8, 2 * batch.read)) : batchSize;
    for (const { before, after } of batch.moved) {
      const known = heads.get(after.tenant_id);
      if (known?.seq !== before?.seq || known?.hash !== before?.hash) {
        doubt(`the chain of tenant ${after.tenant_id} was changed since it was last sealed`);
      }
      heads.set(after.tenant_id, after);
      moved.add(after.tenant_id);
    }
    state.sealedTotal += batch.sealed;
    state.waitedMs = batch.longestMs;
    if (moved.size > 0 && state.distrust === null) {
      await sign([...moved].flatMap((tenant) => {
        const head = heads.get(tenant);
        return head ? [leafOf(head)] : [];
      }));
      moved.clear();
    }
    state.lastRoundAt = clock.now();
    return sweep !== undefined;
  }

  return {
    state,
    async round() {
      try {
        return await round();
      } catch (error) {
        // On another connection the lock is somebody else's, perhaps, and so is the end of the chain.
        if (error instanceof LockLostError) {
          pid = undefined;
          sweep = undefined;
          return true;
        }
        state.failuresTotal++;
        // Whether the batch was committed is not known: the database is asked again.
        pid = undefined;
        sweep = undefined;
        throw error;
      }
    },
    async count(withinMs) {
      // One at a time: the connection is the one that seals.
      counting ??= sql.begin("read only", countUnsealed)
        .then((n) => void (state.unsealed = n), (error) => {
          log.debug("entries without a seal could not be counted", errorFields(error));
        })
        .finally(() => counting = undefined);
      await inTime(counting, { ms: withinMs, late: () => new Error("not counted yet") })
        .catch(() => {});
    },
    async maintain() {
      if (pid === undefined) return;
      state.misplaced = await makePartitions(sql);
      if (state.misplaced > 0) {
        log.critical("audit entries lie in no month of their own", { rows: state.misplaced });
      }
      if (options.retentionMonths === null || state.distrust !== null) return;
      try {
        const dropped = await retain(sql, {
          months: options.retentionMonths,
          now: clock.now(),
          leaves: [...heads.values()].map(leafOf),
          sign,
        });
        if (dropped.length > 0) log.info("audit months are past their retention", { dropped });
      } catch (error) {
        log.warn("audit months could not be dropped yet", errorFields(error));
      }
    },
  };
}
