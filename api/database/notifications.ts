import { connect } from "../../db/connection.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { Secret } from "../../lib/secret.ts";

/** A LISTEN that is kept alive for as long as it is open. */
export interface Notifications {
  close(): Promise<void>;
}

interface NotificationOptions {
  channel: string;
  onNotify(payload: string): void;
  /** Listening (again): what came before may have been missed. */
  onReady(): void;
  log: Logger;
  /** Between attempts of a first connection, in ms. */
  retryMs?: number;
}

/**
 * Listens on a channel over a session connection of its own.
 * @param url of the server itself: a pooler in transaction mode forgets a LISTEN at once
 */
export function listenFor(url: Secret<string>, options: NotificationOptions): Notifications {
  const { channel, onNotify, onReady, log, retryMs = 500 } = options;
  const closed = Promise.withResolvers<void>();
  let open = true;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function pause(): Promise<void> {
    const waited = Promise.withResolvers<void>();
    timer = setTimeout(waited.resolve, retryMs);
    await Promise.race([waited.promise, closed.promise]);
    clearTimeout(timer);
  }

  async function run(): Promise<void> {
    while (open) {
      const sql = connect(url, { max: 1, applicationName: "massacorp-api-listen" });
      try {
        // Once it has listened, the driver does so again by itself after a lost connection.
        await sql.listen(channel, onNotify, onReady);
        await closed.promise;
      } catch (error) {
        log.debug("cannot listen for notifications yet", errorFields(error));
        await pause();
      }
      await sql.end({ timeout: 1 }).catch(() => {});
    }
  }

  const running = run();
  return {
    async close() {
      open = false;
      closed.resolve();
      await running;
    },
  };
}
