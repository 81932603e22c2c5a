import type { Logger } from "../../lib/log.ts";
import type { Database } from "../database.ts";
import type { DesiredState } from "../desired.ts";
import type { DesiredStore } from "../desired/mod.ts";
import type { DesiredTable } from "../desired/table.ts";
import type { Survey, TunnelInterface } from "../interface/mod.ts";
import type { Policies } from "../policy/mod.ts";
import type { Seen } from "../seen/mod.ts";
import type { Verdict } from "../seen/verdict.ts";
import type { Converger } from "./converge.ts";
import { promoteSuccessors } from "./promotion.ts";
import { type Proof, provenBefore } from "./proof.ts";
import { readRows, rowsOf, type Scope } from "./rows.ts";

/** What one pass goes by. */
export interface Task {
  readonly scope: Scope;
  /** Makes the pass go on without the database. */
  readonly signal: AbortSignal;
  /** By the monotonic clock. */
  readonly started: number;
  /** Begun before the rows were read, for a look at everything. */
  readonly survey: Promise<Survey> | undefined;
  /** Why the rows could not be read; null when they were. */
  readonly unread: string | null;
  /** Everything is looked at, by rows that were just read. */
  readonly complete: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** All that is asked about; what the pass before proved of it; and the others, which are looked at. */
  readonly all: DesiredState;
  readonly proven: ReadonlyMap<string, Verdict>;
  readonly rows: DesiredState;
  /** Keys of rows that vanished, which no row names any more. */
  readonly alsoLookAt: readonly string[];
}

/** @param options.proof what the pass before this one proved, where that was over a few peers */
export async function beginTask(
  deps: {
    tunnel: Pick<TunnelInterface, "handshakes">;
    converger: Converger;
    database: Database;
    store: DesiredStore;
    table: DesiredTable;
    policies: Policies;
    seen: Seen;
    log: Logger;
  },
  { scope, signal, askedAt, proof }: {
    scope: Scope;
    signal: AbortSignal;
    askedAt: ReadonlyMap<string, number>;
    proof: Proof | undefined;
  },
): Promise<Task> {
  const started = performance.now();
  const survey = scope === "all" ? deps.converger.survey() : undefined;
  const unread = await readRows(deps, { scope, signal });
  const now = deps.seen.now();
  await promoteSuccessors(deps, { scope, unread: unread !== null, now, signal });
  const all = rowsOf(scope, deps.table);
  const proven = scope === "all" || unread !== null || !proof
    ? new Map<string, Verdict>()
    : provenBefore(proof, { rows: all, askedAt, now });
  return {
    scope,
    signal,
    started,
    survey,
    unread,
    complete: scope === "all" && unread === null,
    now,
    all,
    proven,
    rows: proven.size === 0
      ? all
      : { ...all, peers: all.peers.filter(({ id }) => !proven.has(id)) },
    alsoLookAt: scope === "all" ? [] : scope.flatMap((id) => deps.table.vanishedKeys(id)),
  };
}
