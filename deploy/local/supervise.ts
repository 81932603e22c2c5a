import { pauseFor } from "../../lib/pause.ts";

/** A process that came up. */
export interface Running {
  /** Settles when it is gone, with how it ended in words; never rejects. */
  readonly exited: Promise<string>;
  /** Asks it to end, and sees to it. */
  stop(): Promise<void>;
}

/** Something that can be started again and again. */
export interface Service {
  name: string;
  /** Settles once it does its work; rejects when it did not come to that, leaving nothing behind. */
  start(signal: AbortSignal): Promise<Running>;
}

export interface Supervised {
  /** Ends it for good. */
  stop(): Promise<void>;
}

export interface SuperviseOptions {
  say: (line: string) => void;
  /** Gives the first start up; afterwards `stop()` does. */
  signal?: AbortSignal;
  /** Resolves after so many milliseconds, or at once when the signal comes. */
  pause?: (ms: number, signal: AbortSignal) => Promise<void>;
  now?: () => number;
}

const firstDelayMs = 250;
const longestDelayMs = 30_000;
/** Whoever ran this long is taken to be well again. */
const calmMs = 60_000;

/**
 * Starts a service and keeps it running: when it dies it is started again, at first after a quarter of a
 * second and then ever later, up to 30 s, until it has run for a minute.
 *
 * @throws whatever the first start threw: what never ran is not restarted
 */
export async function supervise(service: Service, options: SuperviseOptions): Promise<Supervised> {
  const { say, pause = pauseFor, now = Date.now } = options;
  const stopping = new AbortController();
  const signals = options.signal ? [stopping.signal, options.signal] : [stopping.signal];
  let running = await service.start(AbortSignal.any(signals));

  async function keep(): Promise<void> {
    let delay = firstDelayMs;
    let startedAt = now();
    for (;;) {
      let ending = await running.exited;
      for (;;) {
        if (stopping.signal.aborted) return;
        if (now() - startedAt >= calmMs) delay = firstDelayMs;
        say(`${service.name} ended (${ending}); starting it again in ${delay / 1000} s`);
        await pause(delay, stopping.signal);
        delay = Math.min(delay * 2, longestDelayMs);
        if (stopping.signal.aborted) return;
        startedAt = now();
        try {
          running = await service.start(stopping.signal);
          break;
        } catch (error) {
          ending = error instanceof Error ? error.message : String(error);
        }
      }
      say(`${service.name} is back`);
    }
  }

  const kept = keep();
  return {
    async stop() {
      stopping.abort();
      await running.stop();
      await kept;
      // It may have come up again in the very moment it was to stop.
      await running.stop();
    },
  };
}
