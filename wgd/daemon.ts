import { dirname, join } from "node:path";
import { connect } from "../db/connection.ts";
import { type SteadyClock, systemClock } from "../lib/clock.ts";
import { errorFields, type Logger } from "../lib/log.ts";
import type { RunProcess } from "../lib/process.ts";
import { createNamingSealer } from "../lib/seal_ring.ts";
import { Backoff } from "./backoff.ts";
import type { WgdConfig } from "./config.ts";
import { DatabaseError, openDatabase } from "./database.ts";
import { createDesiredStore } from "./desired/mod.ts";
import { DesiredTable } from "./desired/table.ts";
import { findKey } from "./gateway/find_key.ts";
import type { GatewayKey } from "./gateway/key.ts";
import { keepPresence, type Presence } from "./gateway/presence.ts";
import { publishInterface } from "./gateway/publish.ts";
import { createTunnelInterface } from "./interface/mod.ts";
import { interfaceSettings } from "./interface/settings.ts";
import { createConverger } from "./pass/converge.ts";
import { watchExpiries } from "./pass/expiry.ts";
import { createPass, type RunPass } from "./pass/mod.ts";
import { watchSuccessors } from "./pass/promotion.ts";
import type { Scope } from "./pass/rows.ts";
import { createPolicies } from "./policy/mod.ts";
import type { DaemonStatus, ObservedPeerView, ReconcileResult } from "./protocol.ts";
import { createReconciler, type Reconciler, StoppedError } from "./reconcile.ts";
import { createReceipts } from "./record/receipts.ts";
import { Seen } from "./seen/mod.ts";
import { openSnapshotFile } from "./snapshot/file.ts";
import { createSnapshot, type Snapshot } from "./snapshot/mod.ts";
import { createTraffic, type Traffic } from "./traffic/mod.ts";
import { renderMetrics } from "./views/metrics.ts";
import { viewsOf } from "./views/peer.ts";
import { statusOf } from "./views/status.ts";

/** What the socket's app needs of the daemon. */
export interface DaemonView {
  status(): DaemonStatus;
  /** Null while the interface cannot be read back. @param peerId of this peer alone */
  peers(peerId?: string): ObservedPeerView[] | null;
  metrics(): string;
  /** Null while the daemon cannot work yet. */
  reconcile(scope: Scope): Promise<ReconcileResult> | null;
}

export interface Daemon extends DaemonView {
  /** Rejects when the daemon must not go on: the message says what to do. */
  readonly failed: Promise<never>;
  /** Brings the tunnel up and keeps it as the database wants it. */
  start(): Promise<void>;
  /** Ends the daemon's work; the tunnel stays. */
  stop(): Promise<void>;
}

/** A clock that is behind by less is not worth a word. */
const clockToleranceMs = 1_000;
const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createDaemon(
  config: WgdConfig,
  { run, log, clock = systemClock }: { run: RunProcess; log: Logger; clock?: SteadyClock },
): Daemon {
  const { id: interfaceId, plan } = config.interface;
  const settings = interfaceSettings(config);
  const table = new DesiredTable();
  const seen = new Seen(clock);
  const tunnel = createTunnelInterface(settings, { run: seen.meters.counted(run), log });
  const startedAt = clock.now();
  const regular = new Backoff(config.reconcileIntervalMs);
  const failure = Promise.withResolvers<never>();
  const stopping = new AbortController();
  let ready = new AbortController();
  let key: GatewayKey | undefined;
  let reconciler: Reconciler | undefined;
  let snapshot: Snapshot | undefined;
  let traffic: Traffic | undefined;
  let presence: Presence | undefined;
  let interval: number | NodeJS.Timeout | undefined;
  let isClockBehind = false;

  const database = openDatabase({
    open: () => connect(config.databaseUrl, { max: 2, applicationName: "massacorp-wgd" }),
    openListener: () =>
      connect(config.databaseUrl, { max: 1, applicationName: "massacorp-wgd-listen" }),
    channel: "wg_desired",
    onNotify: (payload) => {
      if (payload === "*") void look("all");
      else if (idPattern.test(payload)) void look([payload]);
      else log.warn("a notification was neither a peer nor everything");
    },
    onReady: () => {
      ready.abort();
      ready = new AbortController();
      if (reconciler) void publishAgain();
    },
    log,
  });
  const successors = watchSuccessors({ tunnel, table, now: () => seen.now(), look, log });
  const expiries = watchExpiries({ table, seen, look, hurry: () => reconciler?.hurry() });

  /** Resolves when the pass is over, whether it came to its end. */
  async function look(scope: Scope): Promise<boolean> {
    try {
      await reconciler?.request(scope);
      return true;
    } catch (error) {
      if (!(error instanceof StoppedError)) log.error("a pass failed", errorFields(error));
      return false;
    }
  }

  /** What the database says of the interface may have changed while nobody listened. */
  async function publishAgain(): Promise<void> {
    try {
      await database.use((sql) => publishInterface(sql, config));
    } catch (error) {
      if (!(error instanceof DatabaseError)) failure.reject(error);
    }
    await look("all");
  }

  function noteClock(): void {
    const wasBehind = isClockBehind;
    isClockBehind = seen.clockBehind > clockToleranceMs;
    if (!isClockBehind || wasBehind) return;
    log.warn("the clock is behind the highest time seen, which counts for expiries", {
      highest_time: new Date(seen.now()).toISOString(),
    });
  }

  async function everyInterval(): Promise<void> {
    const isDone = await look("all");
    const pauseMs = regular.after({ failed: !isDone || seen.isFailing });
    if (!stopping.signal.aborted) interval = setTimeout(everyInterval, pauseMs);
  }

  async function openSnapshot({ publicKey }: GatewayKey): Promise<Snapshot> {
    const file = await openSnapshotFile({
      path: join(dirname(config.keyFile), "snapshot"),
      presharedSubkeys: config.presharedSubkeys,
      place: `${interfaceId}/${config.interface.name}/${publicKey}`,
    });
    return createSnapshot({ file, plan, table, seen, clock, log });
  }

  async function passWith(
    key: GatewayKey,
    kept: { snapshot: Snapshot; traffic: Traffic },
  ): Promise<RunPass> {
    const sealer = await createNamingSealer(config.presharedSubkeys);
    return createPass({
      ...kept,
      interfaceId,
      tunnel,
      converger: createConverger({ tunnel, key, meters: seen.meters, log }),
      database,
      store: createDesiredStore({ interfaceId, plan, sealer }),
      table,
      policies: createPolicies({
        interfaceId,
        tunnels: [plan.network, ...(plan.six ? [plan.six.network] : [])],
        table,
        database,
        log,
      }),
      seen,
      receipts: await createReceipts({ interfaceId, key }),
      clock,
      log,
    });
  }

  const status = () =>
    statusOf({
      interfaceId,
      settings,
      backend: tunnel.backend,
      publicKey: key?.publicKey ?? "",
      database: database.state,
      snapshot: snapshot?.view,
      table,
      seen,
      startedAt,
    });

  return {
    failed: failure.promise,
    async start() {
      key = await findKey(config, {
        database,
        ready: () => ready.signal,
        stopping: stopping.signal,
        onUnpublished: (words) => seen.lastError = words,
        log,
      });
      if (!key) return;
      presence = keepPresence({
        open: () =>
          connect(config.databaseUrl, {
            max: 1,
            applicationName: "massacorp-wgd-lives",
            idleTimeout: 0,
            maxLifetime: 0,
          }),
        interfaceId,
        readBackAt: () => seen.lastReadBackAt,
        log,
      });
      snapshot = await openSnapshot(key);
      await snapshot.load();
      const intervalMs = config.trafficIntervalMs;
      traffic = createTraffic({ interfaceId, database, intervalMs, clock, log });
      reconciler = createReconciler(await passWith(key, { snapshot, traffic }), {
        onPassed() {
          noteClock();
          expiries.arm();
          successors.arm();
        },
      });
      await everyInterval();
    },
    async stop() {
      stopping.abort();
      ready.abort();
      clearTimeout(interval);
      expiries.stop();
      successors.stop();
      await reconciler?.stop();
      await snapshot?.close();
      await traffic?.close();
      await presence?.close();
      await database.close();
    },
    reconcile: (scope) => reconciler?.request(scope) ?? null,
    status,
    peers: (peerId) => viewsOf(peerId, { table, seen }),
    metrics: () =>
      renderMetrics({ status: status(), seen, peers: table.peers.values(), now: clock.now() }),
  };
}
