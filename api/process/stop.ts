import { errorFields, type Logger } from "../../lib/log.ts";
import type { RunningListener } from "./listeners.ts";

interface StopOptions {
  log: Logger;
  /** How long to go on serving after it is known that this process stops, for balancers to look elsewhere. */
  drainSeconds: number;
  health: { drain(): void };
  listeners: readonly RunningListener[];
  /** Ends what requests stand on. */
  close(): Promise<void>;
  exit(code: number): void;
}

/** Requests under way get their time, a client that keeps its connection open does not. */
const patienceMs = 5_000;

/**
 * What a signal to end does, in stages:
 *
 *     serving ──► draining (not ready, still serving) ──► closing (accepts nothing, answers the rest) ──► exit 0
 *
 * Each further signal ends the stage that runs. @returns what to call with each signal
 */
export function createStop(options: StopOptions): (signal: string) => void {
  const { log, drainSeconds, health, listeners, close, exit } = options;
  let skip: (() => void) | undefined;

  async function stage(of: Promise<unknown> | null, mostMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<false>();
    skip = () => resolve(false);
    const timer = setTimeout(skip, mostMs);
    const ended = await Promise.race([promise, ...of ? [of.then(() => true)] : []]);
    clearTimeout(timer);
    return ended;
  }

  async function stop(signal: string): Promise<void> {
    log.info("stopping", { signal, drain_seconds: drainSeconds });
    health.drain();
    await stage(null, drainSeconds * 1000);
    const closed = Promise.all(listeners.map((listener) => listener.shutdown())).then(close);
    if (!await stage(closed, patienceMs)) log.warn("requests under way are cut off");
  }

  return (signal) => {
    if (skip) {
      log.info("hurrying", { signal });
      skip();
      return;
    }
    skip = () => {};
    stop(signal).catch((error) => log.error("the end went wrong", errorFields(error)))
      .then(() => exit(0));
  };
}
