import { dirname, join } from "node:path";
import { connect } from "../db/connection.ts";
import { type SteadyClock, systemClock } from "../lib/clock.ts";
import { errorFields, type Logger } from "../lib/log.ts";
import type { RunProcess } from "../lib/process.ts";
import { createNamingSealer } from "../lib/seal_ring.ts";
import { Backoff } from "./backoff.ts";
import type { WgdConfig } from "./config.ts";
import { createConverger } from "./pass/converge.ts";
import { type Database, DatabaseError, openDatabase } from "./database.ts";
import type { DesiredPeer } from "./desired.ts";
import { createDesiredStore } from "./desired/mod.ts";
import { type GatewayKey, readGatewayKey } from "./gateway/key.ts";
import { createTunnelInterface, interfaceSettings } from "./interface/mod.ts";
import { renderMetrics } from "./views/metrics.ts";
import { createPass } from "./pass/mod.ts";
import { viewOf } from "./views/peer.ts";
import type { Scope } from "./pass/rows.ts";
import { createPolicies } from "./policy/mod.ts";
import type { DaemonStatus, ObservedPeerView, ReconcileResult } from "./protocol.ts";
import { keepPresence, type Presence } from "./gateway/presence.ts";
import { fillsPool, publishInterface } from "./gateway/publish.ts";
import { createReceipts } from "./record/receipts.ts";
import { watchSuccessors } from "./pass/promotion.ts";
import { createReconciler, type Reconciler, StoppedError } from "./reconcile.ts";
import { Seen } from "./seen/mod.ts";
import { createSnapshot, type Snapshot } from "./snapshot/mod.ts";
import { openSnapshotFile } from "./snapshot/file.ts";
import { DesiredTable } from "./desired/table.ts";
import { createTraffic, type Traffic } from "./traffic/mod.ts";

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

/** How long an expiry waits for the rows of a pass: of one that is under way, and then of its own. */
const expiryPatienceMs = 200;
/** Longest sleep of the expiry timer, so that a clock that jumps is noticed. */
const longestSleepMs = 60_000;
/** A clock that is behind by less is not worth a word. */
const clockToleranceMs = 1_000;
/** The largest network, a /12, has a million addresses to be filled in. */
const fillBounds = { timeoutMs: 180_000 };
const idPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export function createDaemon(
  config: WgdConfig,
  { run, log, clock = systemClock }: { run: RunProcess; log: Logger; clock?: SteadyClock },
): Daemon {
  const table = new DesiredTable();
  const seen = new Seen(clock);
  const tunnel = createTunnelInterface(interfaceSettings(config), {
    run: seen.meters.counted(run),
    log,
  });
  const startedAt = clock.now();
  const regular = new Backoff(config.reconcileIntervalMs);
  const failure = Promise.withResolvers<never>();
  let key: GatewayKey | undefined;
  let reconciler: Reconciler | undefined;
  let snapshot: Snapshot | undefined;
  let traffic: Traffic | undefined;
  let presence: Presence | undefined;
  let interval: number | NodeJS.Timeout | undefined;
  let expiry: number | NodeJS.Timeout | undefined;
  let isClockBehind = false;
  let stopped = false;
  let ready = Promise.withResolvers<void>();

  const database: Database = openDatabase({
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
      ready.resolve();
      ready = Promise.withResolvers();
      if (reconciler) void publishAgain();
    },
    log,
  });

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

  /** Without the database, the key of this host is believed; without a key there is nothing to begin with. */
  async function findKey(): Promise<GatewayKey | undefined> {
    const { plan } = config.interface;
    const backoff = new Backoff(500);
    await database.attempted;
    while (!stopped) {
      const changed = ready.promise;
      try {
        const fills = await database.use((sql) => fillsPool(sql, config));
        if (fills) log.info("the address pool is being filled", { network: plan.network });
        return await database.use(
          (sql) => publishInterface(sql, config),
          fills ? fillBounds : undefined,
        );
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        seen.lastError = "the interface cannot be published, because the database cannot be used";
        log.warn(seen.lastError, errorFields(error.cause ?? error));
      }
      const onHost = await readGatewayKey(config.keyFile);
      if (onHost) return onHost;
      // Connected, but not in a state to answer (no schema yet, say): that has no event to wait for.
      await pause(backoff.after({ failed: true }), changed);
    }
  }

  const watch = watchSuccessors({
    tunnel,
    table,
    now: () => seen.now(),
    look,
    log,
  });

  function noteClock(): void {
    const wasBehind = isClockBehind;
    isClockBehind = seen.clockBehind > clockToleranceMs;
    if (!isClockBehind || wasBehind) return;
    log.warn("the clock is behind the highest time seen, which counts for expiries", {
      highest_time: iso(seen.now()),
    });
  }

  function armExpiry(): void {
    clearTimeout(expiry);
    if (stopped) return;
    const next = table.nextExpiry(seen.now());
    const wait = next === null ? longestSleepMs : next - seen.now();
    expiry = setTimeout(expire, Math.min(Math.max(wait, 1), longestSleepMs));
  }

  function duePeers(): DesiredPeer[] {
    const now = seen.now();
    const expired = [...table.peers.values()].filter(({ id, active, expiresAt }) =>
      active && expiresAt !== null && expiresAt <= now && seen.verdicts.get(id)?.state !== "removed"
    );
    return [
      ...expired,
      ...table.waiting.filter(({ successor }) => successor && successor.deadline <= now),
    ];
  }

  async function expire(): Promise<void> {
    const due = new Set(duePeers().map(({ id }) => id));
    if (due.size === 0) return armExpiry();
    // Passes that wait for the database, this one's own among them, must not keep an expired peer alive.
    const patience = setInterval(() => {
      if (duePeers().some(({ id }) => due.has(id))) reconciler?.hurry();
    }, expiryPatienceMs);
    await look([...due]);
    clearInterval(patience);
  }

  async function everyInterval(): Promise<void> {
    const isDone = await look("all");
    const pauseMs = regular.after({ failed: !isDone || seen.isFailing });
    if (!stopped) interval = setTimeout(everyInterval, pauseMs);
  }

  return {
    failed: failure.promise,
    async start() {
      const sealer = await createNamingSealer(config.presharedSubkeys);
      const { id: interfaceId, plan } = config.interface;
      key = await findKey();
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
      const file = await openSnapshotFile({
        path: join(dirname(config.keyFile), "snapshot"),
        presharedSubkeys: config.presharedSubkeys,
        place: `${interfaceId}/${config.interface.name}/${key.publicKey}`,
      });
      snapshot = createSnapshot({ file, plan, table, seen, clock, log });
      await snapshot.load();
      traffic = createTraffic({
        interfaceId,
        database,
        intervalMs: config.trafficIntervalMs,
        clock,
        log,
      });
      const runPass = createPass({
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
        snapshot,
        receipts: await createReceipts({ interfaceId, key }),
        traffic,
        clock,
        log,
      });
      reconciler = createReconciler(runPass, {
        onPassed() {
          noteClock();
          armExpiry();
          watch.arm();
        },
      });
      await everyInterval();
    },
    async stop() {
      stopped = true;
      ready.resolve();
      clearTimeout(interval);
      clearTimeout(expiry);
      watch.stop();
      await reconciler?.stop();
      clearTimeout(expiry);
      await snapshot?.close();
      await traffic?.close();
      await presence?.close();
      await database.close();
    },
    reconcile: (scope) => reconciler?.request(scope) ?? null,
    status,
    peers(peerId) {
      if (!seen.observed) return null;
      const all = seen.observed.peers;
      if (peerId === undefined) {
        return [...all.values()].map((peer) => viewOf(peer, { table, seen }));
      }
      return table.keysOf(peerId).map((publicKey) => all.get(publicKey)).filter((peer) =>
        peer !== undefined
      ).map((peer) => viewOf(peer, { table, seen }));
    },
    metrics: () =>
      renderMetrics({ status: status(), seen, peers: table.peers.values(), now: clock.now() }),
  };

  function snapshotView(): DaemonStatus["snapshot"] {
    const { writtenAt = null, error = null } = snapshot?.view ?? {};
    return { written_at: writtenAt === null ? null : iso(writtenAt), error };
  }

  function status(): DaemonStatus {
    const { id, name, listenPort, plan } = config.interface;
    return {
      interface: {
        id,
        name,
        backend: tunnel.backend,
        up: seen.observed !== undefined,
        public_key: key?.publicKey ?? "",
        listen_port: listenPort,
        network: plan.network,
        network6: plan.six?.network ?? null,
      },
      database: database.state,
      snapshot: snapshotView(),
      counts: seen.counts(table.peers.values(), seen.now()),
      last_reconcile_at: seen.lastReconcileAt === null ? null : iso(seen.lastReconcileAt),
      last_read_back_at: seen.lastReadBackAt === null ? null : iso(seen.lastReadBackAt),
      last_error: seen.lastError,
      started_at: iso(startedAt),
    };
  }
}

function iso(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

/** @param until ends it early */
async function pause(ms: number, until: Promise<void>): Promise<void> {
  const elapsed = Promise.withResolvers<void>();
  const timer = setTimeout(elapsed.resolve, ms);
  await Promise.race([elapsed.promise, until]);
  clearTimeout(timer);
}
