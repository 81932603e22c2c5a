import { errorFields, type Logger } from "../../lib/log.ts";
import { type Database, DatabaseError } from "../database.ts";
import type { DesiredPeer } from "../desired.ts";
import { type AuditEntry, type StatusChange, writeRecord } from "./store.ts";
import type { Receipts } from "./receipts.ts";
import type { Seen } from "../seen/mod.ts";
import { type DesiredTable, nothing, type Purge } from "../desired/table.ts";
import type { Verdict } from "../seen/verdict.ts";

/** Writes down what passes have seen, and keeps what the database must still hear. */
export interface Recorder {
  /** Goes with the next write. */
  audit(entry: AuditEntry): void;
  /**
   * @param purge tombstones of what was proven gone
   * @returns whether all of it is in the database
   */
  write(statuses: readonly StatusChange[], purge: Purge, signal: AbortSignal): Promise<boolean>;
}

/** Audit entries kept while the database is away. */
const auditBacklog = 10_000;

export function createRecorder(
  { interfaceId, database, table, seen, receipts, log }: {
    interfaceId: number;
    database: Database;
    table: DesiredTable;
    seen: Seen;
    receipts: Receipts;
    log: Logger;
  },
): Recorder {
  let audit: AuditEntry[] = [];

  /** One transaction: what was purged, with what is to be known of it afterwards. */
  async function commit(
    statuses: readonly StatusChange[],
    purge: Purge,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { observed, lastReadBackAt } = seen;
    const signed = observed && lastReadBackAt !== null
      ? await receipts.of(purge, { observed, at: lastReadBackAt })
      : [];
    const removals = [
      ...purge.peers.map((peer) => removalEntry(peer.tenantId, peer.id, peer.publicKey, "peer")),
      ...purge.retired.map((key) => removalEntry(key.tenantId, key.peerId, key.publicKey, "key")),
    ];
    try {
      await database.use((sql) =>
        writeRecord(sql, interfaceId, {
          statuses,
          ...purge,
          receipts: signed,
          audit: [...audit, ...removals],
        }), { signal });
    } catch (error) {
      if (!(error instanceof DatabaseError)) throw error;
      if (error.cause) log.warn("what was seen cannot be written", errorFields(error.cause));
      audit = audit.slice(-auditBacklog);
      return false;
    }
    audit = [];
    table.forget(purge);
    return true;
  }

  return {
    audit: (entry) => audit.push(entry),
    async write(statuses, purge, signal) {
      const purged = new Set(purge.peers.map((peer) => peer.id));
      const [first = nothing, ...others] = partsOf(purge);
      const staying = statuses.filter((status) => !purged.has(status.peerId));
      if (!await commit(staying, first, signal)) return false;
      for (const { peerId, ...status } of staying) table.setStatus(peerId, status);
      for (const part of others) if (!await commit([], part, signal)) return false;
      return true;
    },
  };
}

/** Tombstones in one transaction: ten thousand at once would take longer than any answer is waited for. */
const largestPart = 500;

function partsOf({ peers, retired, released }: Purge): Purge[] {
  const parts: Purge[] = [];
  const count = Math.ceil(Math.max(peers.length, retired.length) / largestPart);
  for (let at = 0; at < Math.max(count, 1); at++) {
    const [from, to] = [at * largestPart, (at + 1) * largestPart];
    parts.push({
      peers: peers.slice(from, to),
      retired: retired.slice(from, to),
      released: at === 0 ? released : [],
    });
  }
  return parts;
}

/** What has to be written of these peers: what differs from what is recorded. */
export function statusChanges(
  peers: readonly DesiredPeer[],
  verdicts: ReadonlyMap<string, Verdict>,
): StatusChange[] {
  const changes: StatusChange[] = [];
  for (const { tenantId, id, generation, status } of peers) {
    const verdict = verdicts.get(id);
    if (!verdict) continue;
    const same = status?.generation === generation && status.state === verdict.state &&
      status.error === verdict.error;
    if (!same) changes.push({ tenantId, peerId: id, generation, ...verdict });
  }
  return changes;
}

function removalEntry(
  tenantId: number,
  peerId: string,
  publicKey: string,
  what: "peer" | "key",
): AuditEntry {
  return {
    tenantId,
    peerId,
    action: `wireguard.${what}_removed`,
    details: { public_key: publicKey },
  };
}
