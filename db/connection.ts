import postgres from "postgres";
import type { Secret } from "../lib/secret.ts";

export type Sql = postgres.Sql;

export interface ConnectOptions {
  /** Connections at most. */
  max: number;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Seconds an unused connection stays open. */
  idleTimeout?: number;
  /** Seconds after which a connection is replaced by a fresh one. */
  maxLifetime?: number;
  /** Seconds to wait for a connection to open. */
  connectTimeout?: number;
  /** False where a pooler hands a server connection from one to the next: its prepared statements are not there then. */
  prepare?: boolean;
  onnotice?: (notice: postgres.Notice) => void;
  /** Called at the very moment a connection is lost or closed. */
  onclose?: () => void;
}

/**
 * Opens a lazy pool: no connection is made before the first query.
 *
 * @param url `postgres://user:password@host:port/database`; as in libpq, `?host=/folder` names the folder
 * of a Unix socket and wins over the host of the authority.
 */
export function connect(url: Secret<string>, options: ConnectOptions): Sql {
  const parsed = new URL(url.reveal());
  const socketFolder = parsed.searchParams.get("host");
  parsed.searchParams.delete("host");
  const port = parsed.port || "5432";
  return postgres(parsed.href, {
    max: options.max,
    idle_timeout: options.idleTimeout ?? 300,
    max_lifetime: options.maxLifetime ?? 1800,
    connect_timeout: options.connectTimeout ?? 5,
    // A short, bounded wait between attempts: a database that comes back is used within a second.
    backoff: (retries) => Math.min(0.05 * 2 ** retries, 1),
    // Not only for array types: without this first query, reserve() on a fresh connection never resolves.
    fetch_types: true,
    prepare: options.prepare ?? true,
    onnotice: options.onnotice ?? (() => {}),
    ...(options.onclose ? { onclose: options.onclose } : {}),
    connection: {
      application_name: options.applicationName,
      // The driver and the statements read times by ISO 8601: of another order, day and month would change places.
      DateStyle: "ISO",
      // A day begins where the code has it begin.
      TimeZone: "UTC",
      // A pooler hands these on to the server like those above (0092); what else is needed, db/session_check.ts looks for.
      standard_conforming_strings: "on",
    },
    ...(socketFolder ? { path: `${socketFolder}/.s.PGSQL.${port}` } : {}),
  });
}
