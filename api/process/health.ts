import { inTime } from "../../lib/in_time.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { DaemonStatus } from "../../wgd/protocol.ts";

/** How one thing that the API stands on answers. */
export interface DependencyHealth {
  status: "ok" | "degraded" | "unavailable";
  /** Milliseconds that the answer took, or the waiting for it. */
  latency_ms: number;
  /** What is the matter, in plain words. */
  detail: string | null;
}

/** Asks a dependency; what it throws means that it does not answer, and a text that something is the matter. */
export type Probe = () => Promise<string | null | undefined | void>;

/** What `GET /ready` answers. */
interface Readiness {
  ready: boolean;
  checks: Record<string, "ok" | "unavailable" | "stopping">;
}

export interface Health {
  readiness(): Promise<Readiness>;
  deep(): Promise<Record<string, DependencyHealth>>;
  /** From now on this process is not ready, whatever its dependencies say: it is about to end. */
  drain(): void;
}

/** What is told to whoever asks; the rest is the operator's. */
const decidesReadiness = new Set(["database", "daemon", "redis"]);
/** How long whoever is on call waits for a dependency that hangs. */
const patienceMs = 3_000;

/**
 * @param probes by name; the API serves as long as `database` answers. Without the daemon peers stay pending, and
 * say so; without Redis limits are stricter.
 */
export function createHealth(probes: Readonly<Record<string, Probe>>, log: Logger): Health {
  let draining = false;
  const underWay = new Map<string, Promise<DependencyHealth>>();

  async function askAll(
    wanted: (name: string) => boolean,
  ): Promise<[name: string, found: DependencyHealth][]> {
    const asked = Object.entries(probes).filter(([name]) => wanted(name)).map(
      async ([name, probe]): Promise<[string, DependencyHealth]> => {
        // Who asks while a question is under way gets its answer: many askers cost a dependency no more than one.
        const answer = underWay.get(name) ?? ask(name, probe).finally(() => underWay.delete(name));
        underWay.set(name, answer);
        return [name, await answer];
      },
    );
    return await Promise.all(asked);
  }

  async function ask(name: string, probe: Probe): Promise<DependencyHealth> {
    const started = performance.now();
    const since = () => Math.round((performance.now() - started) * 10) / 10;
    try {
      const detail = await withinPatience(probe()) ?? null;
      return { status: detail === null ? "ok" : "degraded", latency_ms: since(), detail };
    } catch (error) {
      log.debug(`${name} does not answer`, errorFields(error));
      return { status: "unavailable", latency_ms: since(), detail: "does not answer" };
    }
  }

  return {
    deep: async () => Object.fromEntries(await askAll(() => true)),
    drain: () => void (draining = true),
    async readiness() {
      if (draining) return { ready: false, checks: { process: "stopping" } };
      const found = await askAll((name) => decidesReadiness.has(name));
      const checks = Object.fromEntries(
        found.map(([name, { status }]) =>
          [name, status === "unavailable" ? "unavailable" : "ok"] as const
        ),
      );
      return { ready: checks.database === "ok", checks };
    },
  };
}

/** What of a daemon's own account wants somebody's eye; null where nothing does. */
export function daemonTrouble({ database, counts, snapshot, last_error }: DaemonStatus) {
  if (database !== "connected") return "it runs without its database";
  if (counts.unexplained > 0) {
    return `${counts.unexplained} keys on the interface have no row, and are held until an operator decides`;
  }
  if (counts.failed > 0) return `${counts.failed} peers are not as they should be`;
  return snapshot.error ?? last_error;
}

function withinPatience<T>(answer: Promise<T>): Promise<T> {
  const late = () => new Error(`no answer within ${patienceMs} ms`);
  return inTime(answer, { ms: patienceMs, late });
}
