import { errorFields, type Logger } from "../../lib/log.ts";
import { pauseFor } from "../../lib/pause.ts";
import { Backoff } from "../backoff.ts";
import { type Database, DatabaseError } from "../database.ts";
import { type GatewayKey, readGatewayKey } from "./key.ts";
import { fillsPool, type PublishConfig, publishInterface } from "./publish.ts";

/** The largest network, a /12, has a million addresses to be filled in. */
const fillBounds = { timeoutMs: 180_000 };

/**
 * Publishes this host's interface and answers its key. Without the database, the key of this host is believed;
 * without a key there is nothing to begin with, and it is tried again.
 *
 * @param options.ready a signal that comes when the database is there (again)
 * @param options.onUnpublished is told in plain words why it was not published
 * @returns undefined when it was stopped
 * @throws as {@link publishInterface} and {@link readGatewayKey} do
 */
export async function findKey(
  config: PublishConfig,
  { database, ready, stopping, onUnpublished, log }: {
    database: Database;
    ready: () => AbortSignal;
    stopping: AbortSignal;
    onUnpublished: (words: string) => void;
    log: Logger;
  },
): Promise<GatewayKey | undefined> {
  const backoff = new Backoff(500);
  await database.attempted;
  while (!stopping.aborted) {
    const changed = ready();
    try {
      const fills = await database.use((sql) => fillsPool(sql, config));
      if (fills) {
        log.info("the address pool is being filled", { network: config.interface.plan.network });
      }
      return await database.use(
        (sql) => publishInterface(sql, config),
        fills ? fillBounds : undefined,
      );
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      const words = "the interface cannot be published, because the database cannot be used";
      onUnpublished(words);
      log.warn(words, errorFields(error.cause ?? error));
    }
    const onHost = await readGatewayKey(config.keyFile);
    if (onHost) return onHost;
    // Connected, but not in a state to answer (no schema yet, say): that has no event to wait for.
    await pauseFor(backoff.after({ failed: true }), changed);
  }
}
