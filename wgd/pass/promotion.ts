import type { Sql } from "../../db/connection.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { type Database, DatabaseError } from "../database.ts";
import { type DesiredPeer, isWanted } from "../desired.ts";
import type { DesiredStore } from "../desired/mod.ts";
import type { TunnelInterface } from "../interface/mod.ts";
import type { Scope } from "./rows.ts";
import type { DesiredTable } from "../desired/table.ts";

/** A successor that takes over, and why. */
export interface Promotion {
  readonly tenantId: number;
  readonly peerId: string;
  readonly publicKeyBefore: string;
  readonly publicKey: string;
  readonly because: "handshake" | "deadline";
}

/**
 * Lets successors take over that shook hands, or whose deadline has come (docs/decisions/0023-successors.md): first
 * in the database, so that the interface follows the table here as everywhere. Only where the database cannot be
 * told, in the table alone; it is told when its rows are read again.
 *
 * @param options.unread the rows could not be read, so that the database is not asked either
 */
export async function promoteSuccessors(
  { database, store, table, tunnel, log }: {
    database: Database;
    store: DesiredStore;
    table: DesiredTable;
    tunnel: Pick<TunnelInterface, "handshakes">;
    log: Logger;
  },
  { scope, unread, now, signal }: {
    scope: Scope;
    unread: boolean;
    now: number;
    signal: AbortSignal;
  },
): Promise<void> {
  const waiting = table.waiting.filter(({ id }) => scope === "all" || scope.includes(id));
  if (waiting.length === 0) return;
  const due = promotionsOf(waiting, await handshakesOf(tunnel, log), now);
  if (due.length === 0) return;
  const ids = due.map(({ peerId }) => peerId);
  try {
    if (unread) throw new DatabaseError("its rows could not be read");
    await database.use((sql) => writePromotions(sql, due), { signal });
    table.replaceSome(ids, await database.use((sql) => store.read(sql, ids), { signal }));
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    log.warn("successors take over though the database could not be told", errorFields(error));
    for (const id of ids) table.promote(id);
  }
  for (const { peerId, because } of due) {
    log.info("a successor took over", { peer_id: peerId, because });
  }
}

/** No answer is no handshake: the interface may not be there yet. */
async function handshakesOf(
  tunnel: Pick<TunnelInterface, "handshakes">,
  log: Logger,
): Promise<ReadonlySet<string>> {
  try {
    return await tunnel.handshakes();
  } catch (error) {
    log.debug("the handshakes cannot be read", errorFields(error));
    return new Set();
  }
}

/** Which of these peers' successors take over now. One that cannot be applied never does. */
export function promotionsOf(
  peers: readonly DesiredPeer[],
  handshakes: ReadonlySet<string>,
  now: number,
): Promotion[] {
  return peers.flatMap(({ tenantId, id, publicKey, successor }): Promotion[] => {
    if (!successor || successor.heldBecause !== null) return [];
    const because = handshakes.has(successor.publicKey)
      ? "handshake" as const
      : successor.deadline <= now
      ? "deadline" as const
      : undefined;
    if (!because) return [];
    const keys = { publicKeyBefore: publicKey, publicKey: successor.publicKey };
    return [{ tenantId, peerId: id, ...keys, because }];
  });
}

/** In one statement with the audit entries; a successor that was replaced or withdrawn meanwhile stays where it is. */
export async function writePromotions(sql: Sql, promotions: readonly Promotion[]): Promise<void> {
  await sql`
    with promoted as (
      update wg_peers p set public_key = p.successor_public_key, preshared_key = p.successor_preshared_key,
          successor_public_key = null, successor_preshared_key = null, successor_deadline = null
        from jsonb_to_recordset(${
    sql.json(promotions.map((promotion) => ({ ...promotion })))
  }::jsonb)
          as due ("tenantId" integer, "peerId" uuid, "publicKeyBefore" text, "publicKey" text, because text)
        where p.tenant_id = due."tenantId" and p.id = due."peerId" and p.public_key = due."publicKeyBefore"
          and p.successor_public_key = due."publicKey"
        returning p.tenant_id, p.id, due.*
    )
    insert into audit_log (tenant_id, actor, action, outcome, target_type, target_id, peer_id, details)
      select tenant_id, 'daemon', 'wireguard.key_promoted', 'succeeded', 'wg_peer', id::text, id,
          jsonb_build_object('public_key_before', "publicKeyBefore", 'public_key', "publicKey", 'because', because)
        from promoted`;
}

/** Looks at handshakes often, but only while a successor waits for one. */
export interface SuccessorWatch {
  /** To be called after every pass. */
  arm(): void;
  stop(): void;
}

/**
 * What a successor sends before it has the address is lost, so a handshake must not wait for the next pass. Looks
 * take a tenth of the time at most: with 10,000 peers one takes wireguard-go 50 to 100 ms, and anybody who may
 * rotate a peer could keep the daemon busy with it.
 */
export function watchSuccessors(
  { tunnel, table, now, look, log, pauseMs = 200 }: {
    tunnel: Pick<TunnelInterface, "handshakes">;
    table: DesiredTable;
    /** Milliseconds since the Unix epoch. */
    now: () => number;
    look: (peerIds: readonly string[]) => void;
    log: Logger;
    pauseMs?: number;
  },
): SuccessorWatch {
  let timer: number | NodeJS.Timeout | undefined;
  let stopped = false;
  let nextPauseMs = pauseMs;
  /** Successors that shook hands and were reported; if that came to nothing, the regular passes repeat it. */
  let reported = new Set<string>();

  const waiting = () =>
    table.waiting.filter((peer) =>
      peer.successor && peer.successor.heldBecause === null && isWanted(peer, now()) &&
      !reported.has(peer.successor.publicKey)
    );

  async function watch(): Promise<void> {
    const started = performance.now();
    const shook = await handshakesOf(tunnel, log);
    nextPauseMs = Math.max(pauseMs, 9 * (performance.now() - started));
    timer = undefined;
    const found = promotionsOf(waiting(), shook, -Infinity);
    for (const { publicKey } of found) reported.add(publicKey);
    if (found.length > 0) look(found.map(({ peerId }) => peerId));
    arm();
  }

  function arm(): void {
    const keys = new Set(table.waiting.map(({ successor }) => successor?.publicKey));
    reported = new Set([...reported].filter((key) => keys.has(key)));
    if (timer === undefined && !stopped && waiting().length > 0) {
      timer = setTimeout(watch, nextPauseMs);
    }
  }

  return {
    arm,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
