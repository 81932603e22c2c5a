import { createClient } from "redis";
import { inTime } from "../../lib/in_time.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { Secret } from "../../lib/secret.ts";

/** A connection to Redis that comes and goes; whoever uses it does without while it is gone. */
export type Redis = ReturnType<typeof connectRedis>;

interface RedisOptions {
  /** Milliseconds for a connection to open. */
  connectTimeoutMs: number;
  /** Milliseconds for an answer. */
  commandTimeoutMs: number;
  log: Logger;
}

/** One connection, commands pipelined over it; reconnects by itself for as long as the process lives. */
export function connectRedis(url: Secret<string>, options: RedisOptions) {
  const { log, connectTimeoutMs, commandTimeoutMs } = options;
  const client = createClient({
    url: url.reveal(),
    // While it is away a command fails at once instead of waiting in line.
    disableOfflineQueue: true,
    commandOptions: { timeout: commandTimeoutMs },
    // Of a hosted service that moves its servers. Answering to them reads variables that the API's permission set
    // does not have, and a process that may not read one never connects.
    maintNotifications: "disabled",
    socket: {
      connectTimeout: connectTimeoutMs,
      reconnectStrategy: (retries) => Math.min(50 * 2 ** retries, 1000),
    },
  });
  let failing = false;
  client.on("error", (error) => {
    if (!failing) log.warn("Redis is away", errorFields(error));
    failing = true;
  });
  client.on("ready", () => {
    if (failing) log.info("Redis is back");
    failing = false;
  });
  // Rejects only when the client is closed before it ever connected.
  client.connect().catch(() => {});
  // The library's own time limit ends with the moment at which a command is sent: one that is never answered would
  // hold up its caller for ever.
  let silent = false;
  function late(): Error {
    if (!silent) {
      silent = true;
      log.warn("Redis hangs");
      // Nobody else waits for it until it has answered this, or hung up.
      const heard = () => silent = false;
      client.ping().then(heard, heard);
    }
    return new Error(`Redis did not answer within ${commandTimeoutMs} ms`);
  }
  async function ask<T>(work: (redis: typeof client) => Promise<T>): Promise<T> {
    if (silent) throw new Error("Redis does not answer");
    return await inTime(work(client), { ms: commandTimeoutMs, late });
  }
  return {
    client,
    /** @throws when Redis does not answer in time, and at once while it says nothing at all */
    inTime: ask,
    /** @throws when Redis does not answer in time, or takes no write: it is full, a replica, or cannot save */
    async ping(): Promise<void> {
      await ask((redis) => redis.set("limit:ping", "", { EX: 60 }));
    },
    close: (): void => client.destroy(),
  };
}
