import type { Sql } from "../../db/connection.ts";
import { encodeKey } from "../../lib/wireguard_key.ts";

/** mulberry32: the same seed, the same rows. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/**
 * Inserts peers in every combination of what decides over a status, with what a daemon may have seen of them.
 * Needs an interface.
 */
export async function seedPeers(
  owner: Sql,
  options: {
    tenantId: number;
    /** Their owners, or nobody. */
    userIds: number[];
    count: number;
    seed: number;
    /** Milliseconds since the Unix epoch. */
    now: number;
    names?: string[];
  },
): Promise<void> {
  const { tenantId, userIds, count, now } = options;
  const pick = random(options.seed);
  const one = <T>(of: readonly T[]): T | null => of[pick(of.length)] ?? null;
  const iso = (at: number) => new Date(at).toISOString();
  const names = ["laptop", "Laptop", "LAPTOP 2", "élan", "Élan", "100%", "a_b", "phone", "server"];
  const rows = Array.from({ length: count }, (_, index) => {
    const key = crypto.getRandomValues(new Uint8Array(32));
    const kind = pick(4) === 0 ? "enrolment" : "permanent";
    const ends = one([null, null, now - 1, now, now + 3_600_000]);
    const handshake = one([null, now - 1000, now - 179_999, now - 180_000, now - 3_600_000]);
    const state = one([null, "applied", "applied", "removed", "removed", "failed", "held"]);
    return {
      // In the order of the clock, as UUIDv7s are.
      id: `0198f3a1-${(options.seed * 1000 + index).toString(16).padStart(4, "0")}-7000-8000-${
        crypto.randomUUID().slice(-12)
      }`,
      kind,
      user_id: one([null, ...userIds]),
      name: options.names?.[index] ?? one(names),
      public_key: encodeKey(key),
      enabled: pick(3) > 0,
      deleted: pick(8) === 0,
      expires_at: kind === "enrolment" ? iso(ends ?? now) : ends === null ? null : iso(ends),
      state,
      older: pick(5) === 0,
      error: state === "failed" || state === "held" ? "because" : null,
      handshake: handshake === null ? null : iso(handshake),
      online: handshake !== null && pick(3) > 0,
    };
  });
  await owner`
    with seeded as (
      select *, row_number() over (order by id) as nth
      from jsonb_to_recordset(${owner.json(rows)}::jsonb) as row (
        id uuid, kind text, user_id integer, name text, public_key text, enabled boolean, deleted boolean,
        expires_at timestamptz, state text, older boolean, error text, handshake timestamptz, online boolean)
    ), free as (
      select address, row_number() over (order by address) as nth from wg_ip_pool
      where interface_id = 1 and free_from <= now()
    ), taken as (
      update wg_ip_pool p set free_from = null from free f join seeded using (nth)
      where p.interface_id = 1 and p.address = f.address returning p.address, f.nth
    ), peers as (
      insert into wg_peers (tenant_id, id, interface_id, user_id, name, kind, public_key, address, enabled,
          expires_at, deleted_at)
        select ${tenantId}, id, 1, user_id, name, kind, public_key, address, enabled, expires_at,
          case when deleted then now() end
        from seeded join taken using (nth)
        returning tenant_id, id, generation
    ), statuses as (
      insert into wg_peer_status (tenant_id, peer_id, generation, state, error)
        select p.tenant_id, p.id, p.generation - older::integer, state, error
        from peers p join seeded using (id) where state is not null
    )
    insert into wg_peer_traffic (tenant_id, peer_id, last_handshake_at, online_since, endpoint)
      select p.tenant_id, p.id, handshake, case when online then handshake end, '192.0.2.7:1'
      from peers p join seeded using (id) where handshake is not null`;
}
