import assert from "node:assert/strict";
import { presharedKeyRow } from "../../lib/seal.ts";
import { createNamingSealer } from "../../lib/seal_ring.ts";
import { until } from "./until.ts";
import type { TestDaemon } from "./wgd.ts";

/** What somebody was told, and may rely on whatever happens next. */
export interface Acknowledged {
  /** Ids of peers that were created, and not removed since. */
  created?: Iterable<string>;
  /** Public keys that were answered as removed. */
  removed?: Iterable<string>;
}

interface Options extends Acknowledged {
  /** Every creation went through the API, which writes an audit entry with it. */
  audited?: boolean;
  timeoutMs?: number;
}

interface Row {
  tenant_id: number;
  id: string;
  public_key: string;
  allowed_ips: string;
  preshared_key: Uint8Array | null;
  successor_public_key: string | null;
  successor_preshared_key: Uint8Array | null;
  wanted: boolean;
}

/**
 * What has to hold after every fault, once all has settled: the interface equals the table (T2), no address is
 * lost or doubled (T5), every status is the truth, nothing that was acknowledged is gone (D2), and nothing that
 * was acknowledged as gone is back (T3).
 */
export async function assertWhole(daemon: TestDaemon, options: Options = {}): Promise<void> {
  const { timeoutMs = 60_000 } = options;
  let expected: string[] = [];
  let found: string[] = [];
  try {
    await until("all has settled", async () => {
      // The rows first: what is read back later must agree with them, unless they have changed meanwhile.
      expected = await desired(daemon);
      found = await interfaceLines(daemon);
      return expected.join() === found.join() && await unsettled(daemon) === 0;
    }, { timeoutMs });
  } catch (error) {
    assert.deepEqual(found, expected, "the interface equals the table");
    const { last_error } = await daemon.client.status();
    throw new Error(`rows without a true status, or tombstones, are left; ${last_error}`, {
      cause: error,
    });
  }
  const peers = new Set((await rows(daemon)).map((row) => row.id));
  for (const id of options.created ?? []) assert.ok(peers.has(id), `${id} was acknowledged`);
  const keys = new Set(found.map((line) => line.split(" ")[0]));
  for (const key of options.removed ?? []) assert.ok(!keys.has(key), `${key} was taken off`);
  await assertAddresses(daemon);
  if (options.audited) await assertAudited(daemon);
}

async function rows({ db }: TestDaemon): Promise<Row[]> {
  return await db.owner<Row[]>`
    select p.tenant_id, p.id, p.public_key, p.preshared_key,
        p.successor_public_key, p.successor_preshared_key,
        concat_ws(',', host(p.address) || '/32',
          host(wg_address6(p.address, i.network, i.network6)) || '/128') as allowed_ips,
        p.enabled and p.deleted_at is null and coalesce(p.expires_at > now(), true)
          and t.status = 'active' and (p.user_id is null or u.status = 'active') as wanted
      from wg_peers p
      join wg_interfaces i on i.id = p.interface_id
      join tenants t on t.id = p.tenant_id
      left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id`;
}

/** The interface as the rows want it, as text; read without the daemon's own code. */
async function desired(daemon: TestDaemon): Promise<string[]> {
  const sealer = await createNamingSealer([daemon.subkey]);
  const line = async (
    { tenant_id, id }: Row,
    key: { publicKey: string; sealed: Uint8Array | null; allowedIps: string },
  ) => {
    const place = presharedKeyRow({ tenantId: tenant_id, peerId: id, publicKey: key.publicKey });
    const psk = key.sealed && new TextDecoder().decode(await sealer.open(key.sealed, place));
    return `${key.publicKey} ${key.allowedIps} ${psk ?? "-"} off`;
  };
  const lines = (await rows(daemon)).filter((row) => row.wanted).flatMap((row) => {
    const { public_key, preshared_key, allowed_ips, successor_public_key } = row;
    const own = { publicKey: public_key, sealed: preshared_key, allowedIps: allowed_ips };
    // The next key waits without an address.
    const next = successor_public_key === null ? [] : [{
      publicKey: successor_public_key,
      sealed: row.successor_preshared_key,
      allowedIps: "",
    }];
    return [own, ...next].map((key) => line(row, key));
  });
  return (await Promise.all(lines)).sort();
}

/** The peers of the interface as text, one a line. */
export async function interfaceLines(daemon: TestDaemon): Promise<string[]> {
  return [...(await daemon.dump()).peers.values()].map((peer) =>
    [
      peer.publicKey,
      peer.allowedIps.toSorted().join(),
      peer.presharedKey?.reveal() ?? "-",
      peer.persistentKeepalive ?? "off",
    ].join(" ")
  ).sort();
}

/** Rows whose status is not the truth yet, and tombstones that are not purged yet. */
async function unsettled({ db }: TestDaemon): Promise<number> {
  const [row] = await db.owner<[{ count: number }]>`
    select (select count(*)::int from wg_retired_keys)
      + (select count(*)::int from wg_peers p
        join tenants t on t.id = p.tenant_id
        left join users u on u.tenant_id = p.tenant_id and u.id = p.user_id
        left join wg_peer_status s on s.tenant_id = p.tenant_id and s.peer_id = p.id
          and s.generation = p.generation
        where p.deleted_at is not null or s.state is distinct from
          case when p.enabled and coalesce(p.expires_at > now(), true) and t.status = 'active'
            and (p.user_id is null or u.status = 'active') then 'applied' else 'removed' end) as count`;
  return row.count;
}

/** No address is lost or doubled. */
export async function assertAddresses({ db }: TestDaemon): Promise<void> {
  const [row] = await db.owner`
    select (select count(*)::int from wg_peers) as peers,
      (select count(distinct address)::int from wg_peers) as addresses,
      (select count(*)::int from wg_ip_pool where free_from is null) as taken,
      (select count(*)::int from wg_peers p join wg_ip_pool a
        on a.interface_id = p.interface_id and a.address = p.address and a.free_from is null) as held,
      (select count(*)::int from wg_ip_pool) as pool,
      (select count(*)::int from wg_interfaces i, wg_pool_addresses(i.network)) as network`;
  assert.equal(row?.addresses, row?.peers, "no address is doubled");
  assert.equal(row?.held, row?.peers, "every peer's address is taken");
  assert.equal(row?.taken, row?.peers, "no address is lost");
  assert.equal(row?.pool, row?.network, "no address left the pool");
}

async function assertAudited({ db }: TestDaemon): Promise<void> {
  const [row] = await db.owner`
    select (select count(*)::int from wg_peers p where not exists (
        select from audit_log a where a.action = 'peer.create' and a.target_id = p.id::text)) as unaudited,
      (select count(*)::int from audit_log a where a.action = 'peer.create' and not exists (
        select from wg_peers p where p.id::text = a.target_id)
        and not exists (select from audit_log d
          where d.action = 'peer.delete' and d.target_id = a.target_id)) as orphaned`;
  assert.deepEqual({ ...row }, { unaudited: 0, orphaned: 0 }, "changes and audit entries agree");
}
