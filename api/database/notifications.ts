import { once } from "node:events";
import { connect } from "../../db/connection.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { pauseFor } from "../../lib/pause.ts";
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
}

/** Between attempts of a first connection. */
const retryMs = 500;

/**
 * Listens on a channel over a session connection of its own.
 * @param url of the server itself: a pooler in transaction mode forgets a LISTEN at once
 */
export function listenFor(url: Secret<string>, options: NotificationOptions): Notifications {
  const { channel, onNotify, onReady, log } = options;
  const closing = new AbortController();
  const closed = once(closing.signal, "abort");

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      const sql = connect(url, { max: 1, applicationName: "massacorp-api-listen" });
      try {
        // Once it has listened, the driver does so again by itself after a lost connection.
        await sql.listen(channel, onNotify, onReady);
        await closed;
      } catch (error) {
        log.debug("cannot listen for notifications yet", errorFields(error));
        await pauseFor(retryMs, closing.signal);
      }
      await sql.end({ timeout: 1 }).catch(() => {});
    }
  }

  const running = run();
  return {
    async close() {
      closing.abort();
      await running;
    },
  };
}
