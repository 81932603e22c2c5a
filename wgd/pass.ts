import type { Clock } from "../lib/clock.ts";
import { errorFields, type Logger } from "../lib/log.ts";
import { ProcessError } from "../lib/process.ts";
import type { Convergence, Converger } from "./converge.ts";
import { type Database, DatabaseError } from "./database.ts";
import { type DesiredPeer, type DesiredStore, isWanted } from "./desired.ts";
import type { ObservedInterface } from "./observed.ts";
import type { ReconcileResult } from "./protocol.ts";
import { createRecorder, type Rows, statusChanges } from "./recorder.ts";
import { resultFor } from "./result.ts";
import type { Seen } from "./seen.ts";
import type { Snapshot } from "./snapshot.ts";
import { SnapshotError } from "./snapshot_file.ts";
import type { DesiredTable, Purge } from "./table.ts";
import { driftOf, judge, type Verdict } from "./verdict.ts";

/** Peer ids to look at again, or everything. */
export type Scope = "all" | readonly string[];

export interface PassOutcome {
  /** The interface was not what it was; everything has to be looked at. */
  readonly needsFull: boolean;
  resultFor(asked: Scope): ReconcileResult;
}

export interface PassDeps {
  readonly interfaceId: number;
  readonly converger: Converger;
  readonly database: Database;
  readonly store: DesiredStore;
  readonly table: DesiredTable;
  readonly seen: Seen;
  readonly snapshot: Snapshot;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a full pass found right: as long as all of it stays, the next one has nothing to compare. */
interface Calm {
  readonly version: number;
  readonly settings: object;
  /** Milliseconds since the Unix epoch: by then, time alone changes what is wanted. */
  readonly until: number;
}

export interface PassOptions {
  /** Makes the pass go on without the database, from the rows last read. */
  readonly signal: AbortSignal;
  /** By peer id, when somebody last asked, by the monotonic clock. */
  readonly askedAt: ReadonlyMap<string, number>;
}

/** One pass: reads rows, brings the interface to them, reads it back, and writes down what that showed. */
export type RunPass = (scope: Scope, options: PassOptions) => Promise<PassOutcome>;

/**
 * What the pass before this one proved, where that was over a few peers. A change is usually asked for twice, by
 * notification and by the API that waits; the second asking needs no look of its own when the first look began
 * after it.
 */
interface Proof {
  readonly lookedAt: number;
  readonly peers: ReadonlyMap<string, DesiredPeer>;
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

export function createPass(deps: PassDeps): RunPass {
  const { converger, database, store, table, seen, snapshot, clock, log } = deps;
  const recorder = createRecorder(deps);
  let proof: Proof | undefined;
  let calm: Calm | undefined;

  /** @returns why the rows could not be read, or null */
  async function readRows(scope: Scope, signal: AbortSignal): Promise<string | null> {
    try {
      if (scope === "all") {
        const { digests } = table;
        table.replaceAll(await database.use((sql) => store.readAll(sql, digests), signal));
      } else {
        table.replaceSome(scope, await database.use((sql) => store.read(sql, scope), signal));
      }
      return null;
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (error.cause) log.warn("the desired peers cannot be read", errorFields(error.cause));
      return "the database cannot be read";
    }
  }

  function rowsOf(scope: Scope): Rows {
    if (scope === "all") {
      return { peers: [...table.peers.values()], retired: [...table.retired.values()] };
    }
    const ids = new Set(scope);
    return {
      peers: [...ids].map((id) => table.peers.get(id)).filter((peer) => peer !== undefined),
      retired: [...table.retired.values()].filter((key) => ids.has(key.peerId)),
    };
  }

  function unexplained(found: ObservedInterface): string[] {
    return [...found.peers.keys()].filter((publicKey) => !table.isExplained(publicKey));
  }

  /** Only a complete read tells what was added by hand, and an empty table explains nothing (T7). */
  function foreign(found: ObservedInterface): string[] {
    table.adopt(found.peers.keys());
    const isLost = table.peers.size === 0;
    return unexplained(found).filter((publicKey) => {
      const explanation = table.explain(publicKey);
      return explanation === "released" || (explanation === "foreign" && !isLost);
    });
  }

  function judgeRows(
    rows: Rows,
    { after, failures }: Convergence,
    now: number,
  ): Map<string, Verdict> {
    const oldKeys = new Map<string, number>();
    for (const { peerId, publicKey } of rows.retired) {
      if (after.peers.has(publicKey) && !table.byKey(publicKey)) {
        oldKeys.set(peerId, (oldKeys.get(peerId) ?? 0) + 1);
      }
    }
    return new Map(rows.peers.map((peer) => [
      peer.id,
      judge(peer, {
        observed: after.peers,
        oldKeys: oldKeys.get(peer.id) ?? 0,
        failure: failures.get(peer.publicKey),
        now,
      }),
    ]));
  }

  /** Notes what was wrong though no row had changed; an interface made anew has lost its peers as a whole. */
  function noteDrift(
    rows: Rows,
    found: Convergence,
    verdicts: Map<string, Verdict>,
    now: number,
  ): void {
    const { ensured, before, foreign } = found;
    if (!ensured) return;
    seen.drift = 0;
    for (const kind of ensured.drift) {
      seen.countDrift(kind);
      log.warn("drift of the interface was repaired", { kind });
    }
    for (const publicKey of foreign) {
      if (table.explain(publicKey) === "released") {
        log.warn("a key without a row was taken off, because an operator decided so", {
          public_key: publicKey,
        });
        continue;
      }
      seen.countDrift("foreign");
      log.warn("a peer that was added by hand was taken off", { public_key: publicKey });
    }
    if (ensured.created) return;
    for (const peer of rows.peers) {
      const kinds = driftOf(peer, before.peers, now);
      for (const kind of kinds) seen.countDrift(kind);
      const state = verdicts.get(peer.id)?.state;
      if (kinds.length === 0 || (state !== "applied" && state !== "removed")) continue;
      log.warn("drift of a peer was repaired", { peer_id: peer.id, kinds });
      recorder.audit({
        tenantId: peer.tenantId,
        peerId: peer.id,
        action: "wireguard.drift_repaired",
        details: { differences: kinds },
      });
    }
  }

  /** Tombstones of what the read-back proves gone. */
  function purgeable(
    scope: Scope,
    rows: Rows,
    after: ObservedInterface,
    verdicts: ReadonlyMap<string, Verdict>,
  ): Purge {
    return {
      peers: rows.peers.filter((peer) =>
        peer.tombstone && verdicts.get(peer.id)?.state === "removed"
      ),
      // A key that a row wants again needs no tombstone; but only one snapshot of all rows shows that.
      retired: rows.retired.filter(({ publicKey }) =>
        table.byKey(publicKey) ? scope === "all" : !after.peers.has(publicKey)
      ),
      released: scope !== "all"
        ? []
        : [...table.released].filter((publicKey) =>
          table.isExplained(publicKey) || !after.peers.has(publicKey)
        ),
    };
  }

  /**
   * Removals may be told once no snapshot can undo them (T3). Where that cannot be had, they have failed so far.
   * @returns whether they may be told
   */
  async function maySay(
    rows: Rows,
    purge: Purge,
    { verdicts, after }: { verdicts: Map<string, Verdict>; after: ObservedInterface | undefined },
  ): Promise<boolean> {
    const removed = rows.peers.filter((peer) => verdicts.get(peer.id)?.state === "removed");
    const keys = (of: readonly { publicKey: string }[]) => of.map(({ publicKey }) => publicKey);
    try {
      await snapshot.beforeSaying({
        removed: keys(removed),
        purged: [
          ...keys([...purge.peers, ...purge.retired]),
          ...purge.released,
        ].filter((publicKey) => !after?.peers.has(publicKey)),
      });
      return true;
    } catch (error) {
      if (!(error instanceof SnapshotError)) throw error;
      log.error("a removal cannot be noted in the snapshot", errorFields(error));
      const failed: Verdict = {
        state: "failed",
        error: "it is off the interface, but a snapshot that might bring it back cannot be mended",
      };
      for (const { id } of removed) verdicts.set(id, failed);
      return false;
    }
  }

  function noteUnexplained(after: ObservedInterface): void {
    for (const publicKey of seen.unexplainedAnew(unexplained(after))) {
      log.warn("a key on the interface has no row; it is left alone until somebody decides", {
        public_key: publicKey,
      });
    }
  }

  /** Verdicts that the pass before proved, of peers whose row has not changed since. */
  function provenBefore(rows: Rows, askedAt: PassOptions["askedAt"], now: number) {
    const proven = new Map<string, Verdict>();
    if (!proof) return proven;
    for (const peer of rows.peers) {
      const before = proof.peers.get(peer.id);
      const verdict = proof.verdicts.get(peer.id);
      const asked = askedAt.get(peer.id) ?? Infinity;
      if (!before || !verdict || asked > proof.lookedAt) continue;
      if (isSameRow(before, peer) && isSettled(peer, now)) proven.set(peer.id, verdict);
    }
    return proven;
  }

  /** The rest of a full pass where neither the rows nor the interface have changed since the last one. */
  async function passQuietly(
    found: Convergence,
    { started, signal }: { started: number; signal: AbortSignal },
  ): Promise<PassOutcome> {
    const { after, ensured } = found;
    noteDrift({ peers: [], retired: [] }, found, new Map(), 0);
    seen.readBack(after, clock.now());
    seen.lastError = ensured?.faults[0] ?? null;
    const moved = after.moved.map((peer) => table.byKey(peer.publicKey)).filter((peer) =>
      peer !== undefined
    );
    await recorder.write(
      statusChanges(moved, after, seen.verdicts),
      nothing,
      signal,
    );
    snapshot.passed();
    seen.passDone((performance.now() - started) / 1000, clock.now());
    const answers = { peers: [...table.peers.values()], verdicts: seen.verdicts, unread: null };
    return {
      needsFull: false,
      resultFor: (asked) => resultFor(asked, { ...answers, after, table }),
    };
  }

  return async (scope, { signal, askedAt }) => {
    const started = performance.now();
    const unread = await readRows(scope, signal);
    const now = seen.highestTime(clock.now());
    const complete = scope === "all" && unread === null;
    const all = rowsOf(scope);
    const proven = scope === "all" || unread !== null
      ? new Map<string, Verdict>()
      : provenBefore(all, askedAt, now);
    proof = undefined;
    const isCalm = (settings: object) =>
      complete && calm?.version === table.version && calm.settings === settings && now < calm.until;
    const rows = proven.size === 0
      ? all
      : { ...all, peers: all.peers.filter(({ id }) => !proven.has(id)) };
    const alsoLookAt = scope === "all" ? [] : scope.flatMap((id) => table.vanishedKeys(id));
    if (
      scope !== "all" && unread === null && seen.observed &&
      rows.peers.length + rows.retired.length + alsoLookAt.length === 0
    ) {
      const after = seen.observed;
      return {
        needsFull: false,
        resultFor: (asked) =>
          resultFor(asked, { peers: all.peers, verdicts: proven, unread, after, table }),
      };
    }
    let verdicts: Map<string, Verdict>;
    let after: ObservedInterface | undefined;
    let needsFull = false;
    try {
      await snapshot.beforeAdding(
        rows.peers.filter((peer) => isWanted(peer, now)).map((peer) => peer.publicKey),
      );
      const found = await converger.converge({
        full: scope === "all",
        ...rows,
        alsoLookAt,
        foreign: complete ? foreign : () => [],
        isSettled: isCalm,
        hasRow: (publicKey) => table.byKey(publicKey) !== undefined,
        now,
      });
      after = found.after;
      if (isCalm(found.before.settings)) return await passQuietly(found, { started, signal });
      verdicts = judgeRows(rows, found, now);
      needsFull = scope !== "all" && found.ensured !== null;
      if (scope !== "all" && unread === null) {
        proof = {
          lookedAt: found.lookedAt,
          peers: new Map(rows.peers.map((peer) => [peer.id, peer])),
          verdicts,
        };
      }
      noteDrift(rows, found, verdicts, now);
      seen.readBack(after, clock.now());
      seen.lastError = unread ?? found.ensured?.faults[0] ?? null;
    } catch (error) {
      // Nothing is known of the interface now. What was proven before stays; what was not has failed so far.
      const words = error instanceof ProcessError ? error.summary : "see the daemon's log";
      const failed: Verdict = { state: "failed", error: `the interface cannot be read: ${words}` };
      verdicts = new Map(rows.peers.map((peer) => [peer.id, failed]));
      seen.lastError = `the interface cannot be worked on: ${
        error instanceof Error ? error.message : "unknown"
      }`;
      seen.observed = undefined;
      log.error("the interface cannot be worked on", errorFields(error));
    }
    const purge = after && unread === null ? purgeable(scope, rows, after, verdicts) : nothing;
    const isSaid = await maySay(rows, purge, { verdicts, after });
    if (scope === "all") seen.verdicts.clear();
    for (const [id, verdict] of verdicts) seen.verdicts.set(id, verdict);
    if (complete && after) noteUnexplained(after);
    if (unread === null) {
      const written = after
        ? rows
        : { ...rows, peers: rows.peers.filter((peer) => !isSettled(peer, now)) };
      const changes = statusChanges(written.peers, after, verdicts);
      const isWritten = await recorder.write(
        changes,
        isSaid ? purge : nothing,
        signal,
      );
      if (isSaid) { for (const { id } of purge.peers) seen.verdicts.delete(id); }
      calm = complete && after && isWritten && table.retired.size === 0 &&
          rows.peers.every(({ id, tombstone }) =>
            !tombstone && verdicts.get(id)?.state !== "failed"
          )
        ? {
          version: table.version,
          settings: after.settings,
          until: table.nextExpiry(now) ?? Infinity,
        }
        : undefined;
    }
    snapshot.passed();
    seen.passDone((performance.now() - started) / 1000, clock.now());
    return {
      needsFull,
      resultFor: (asked) =>
        resultFor(asked, {
          peers: all.peers,
          verdicts: new Map([...proven, ...verdicts]),
          unread,
          after,
          table,
        }),
    };
  };
}

const nothing: Purge = { peers: [], retired: [], released: [] };

/** True when a row wants of the interface what it wanted before. */
function isSameRow(a: DesiredPeer, b: DesiredPeer): boolean {
  return a.generation === b.generation && a.publicKey === b.publicKey && a.address === b.address &&
    a.active === b.active && a.expiresAt === b.expiresAt && a.tombstone === b.tombstone &&
    a.heldBecause === b.heldBecause && a.presharedKey?.reveal() === b.presharedKey?.reveal();
}

/** True when its recorded status is the one that its row asks for. */
function isSettled(peer: DesiredPeer, now: number): boolean {
  const { status, generation } = peer;
  return status?.generation === generation &&
    (status.state === "held" || status.state === (isWanted(peer, now) ? "applied" : "removed"));
}
