import type { Database } from "../database.ts";
import type { DesiredTable } from "../desired/table.ts";
import type { InterfaceSettings } from "../interface/settings.ts";
import type { DaemonStatus } from "../protocol.ts";
import type { Seen } from "../seen/mod.ts";
import type { SnapshotView } from "../snapshot/kept_file.ts";

/** What the socket says of the daemon and its interface. */
export function statusOf(
  { interfaceId, settings, backend, publicKey, database, snapshot, table, seen, startedAt }: {
    interfaceId: number;
    settings: InterfaceSettings;
    backend: DaemonStatus["interface"]["backend"];
    /** Empty as long as the gateway has no key. */
    publicKey: string;
    database: Database["state"];
    /** Undefined as long as none was looked for. */
    snapshot: SnapshotView | undefined;
    table: DesiredTable;
    seen: Seen;
    /** Milliseconds since the Unix epoch. */
    startedAt: number;
  },
): DaemonStatus {
  const { name, listenPort, network, network6 } = settings;
  return {
    interface: {
      id: interfaceId,
      name,
      backend,
      up: seen.observed !== undefined,
      public_key: publicKey,
      listen_port: listenPort,
      network,
      network6,
    },
    database,
    snapshot: { written_at: iso(snapshot?.writtenAt ?? null), error: snapshot?.error ?? null },
    counts: seen.counts(table.peers.values(), seen.now()),
    last_reconcile_at: iso(seen.lastReconcileAt),
    last_read_back_at: iso(seen.lastReadBackAt),
    last_error: seen.lastError,
    started_at: new Date(startedAt).toISOString(),
  };
}

function iso(milliseconds: number | null): string | null {
  return milliseconds === null ? null : new Date(milliseconds).toISOString();
}
