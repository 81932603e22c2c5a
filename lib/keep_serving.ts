import { errorFields, type Logger } from "./log.ts";

export interface KeptServer {
  /** Binds anew, for other settings than before. @returns once what was under way has ended */
  restart(): Promise<void>;
  /** Stops accepting and waits for what is under way. */
  shutdown(): Promise<void>;
}

/**
 * `Deno.serve` ends for good when one connection cannot be accepted, as where no file descriptor is left; requests of
 * connections that stand go on. This serves anew as soon as it can.
 *
 * @param serve binds; called again after an end that nobody asked for
 * @param options.waitsFor whether the first bind is tried again after that error
 * @throws what the first bind throws otherwise
 */
export function keepServing(
  serve: () => Deno.HttpServer,
  { log, retryMs = 100, waitsFor = () => false }: {
    log: Logger;
    retryMs?: number;
    waitsFor?: (error: unknown) => boolean;
  },
): KeptServer {
  let stopping = false;
  let server: Deno.HttpServer | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function start(isTaken: (error: unknown) => boolean, againMs = retryMs): void {
    if (stopping) return;
    try {
      const mine = server = serve();
      mine.finished.catch((error) => {
        log.error("a listener ended, and is bound again", errorFields(error));
        if (mine === server) timer = setTimeout(start, retryMs, () => true);
      });
    } catch (error) {
      if (!isTaken(error)) throw error;
      timer = setTimeout(start, againMs, isTaken, againMs);
    }
  }

  start(waitsFor);
  return {
    async restart() {
      clearTimeout(timer);
      const ended = server?.shutdown();
      // The socket that is being replaced is gone in a moment.
      start(() => true, 1);
      await ended;
    },
    async shutdown() {
      stopping = true;
      clearTimeout(timer);
      // One that ended by itself has said so already.
      await server?.shutdown().catch(() => {});
    },
  };
}
