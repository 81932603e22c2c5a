import { v7 as uuidv7 } from "uuid";
import { writeAudit } from "../../api/audit/write_audit.ts";
import { createPool } from "../../api/database/pool.ts";
import { asTenantId, createTenancy } from "../../api/database/tenancy.ts";
import { holdToQuotas } from "../../api/features/peers/quota.ts";
import { insertPeer, readGateway } from "../../api/features/peers/store.ts";
import { readPeer } from "../../api/features/peers/view_store.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../support/database.ts";
import { newPeer } from "../support/new_peer.ts";
import { seedInterface } from "../support/seed.ts";
import { type Stack, stackOn, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { compare, type Result } from "./measure.ts";
import { createPeer, operatorClient } from "./operator_client.ts";

const network = "10.10.0.0/16";
const creations = 1_000;
const clients = 20;

/**
 * 1,000 creations by 20 clients through API, daemon and interface, against the same statements on the database
 * alone with as many connections; in one tenant, and spread over 50.
 */
export async function createThroughput(): Promise<Result[]> {
  const results: Result[] = [];
  for (const tenants of [1, 50]) {
    await using made = await stackOn({ env: { WG_NETWORK: network, LOG_LEVEL: "info" } });
    await made.daemon.start();
    await made.startApi();
    const ids: number[] = [];
    for (let n = 0; n < tenants; n++) ids.push((await tenantOn(made, `bench${n}`)).id);
    await made.db.owner`update tenants set peer_quota = 60000`;
    const product = await throughApi(made, ids);
    const [pending] = await made.db.owner<{ n: number }[]>`
      select count(*)::integer as n from wg_peers p
      left join wg_peer_status s on s.peer_id = p.id and s.generation = p.generation and s.state = 'applied'
      where s.peer_id is null`;
    if (pending?.n !== 0) throw new Error(`${pending?.n} peers were left pending`);
    results.push(compare({
      name: `${creations} creations by ${clients} clients, ${tenants} tenant(s), none left pending`,
      unit: "peers/s",
      value: product,
      reference: await databaseAlone(tenants),
      bar: { least: 0.5 },
    }));
  }
  return results;
}

async function throughApi(made: Stack, tenants: readonly number[]): Promise<number> {
  using client = operatorClient(made);
  const rate = await spread(async (index) => {
    await createPeer(client, tenants[index % tenants.length] ?? 0, { active: false });
  });
  await until("nothing is pending", async () => {
    const { counts } = await made.daemon.client.status();
    return counts.applied === creations;
  });
  return rate;
}

async function databaseAlone(tenants: number): Promise<number> {
  await using db = await testDatabase();
  await seedInterface(db.owner, network);
  const rows = await db.owner<{ id: number }[]>`
    insert into tenants (slug, name, peer_quota)
      select 'bench' || n, 'Bench', 60000 from generate_series(1, ${tenants}) n returning id`;
  const pool = createPool(db.url("massacorp_api"), {
    applicationName: "bench",
    size: 10,
    overflow: 10,
    timeoutMs: 10_000,
    recycleSeconds: 3600,
  });
  const tenancy = createTenancy(pool);
  const keys = await Promise.all(Array.from({ length: creations }, generateKeyPair));
  try {
    return await spread(async (index) => {
      const tenantId = asTenantId(rows[index % rows.length]?.id ?? 0);
      const now = new Date();
      const id = uuidv7();
      await tenancy.transaction(tenantId, async (sql) => {
        await readGateway(sql, 1);
        await holdToQuotas(sql, { tenantId, interfaceId: 1, owner: null });
        const { publicKey = "" } = keys[index] ?? {};
        const presharedKey = new Uint8Array(73);
        await insertPeer(sql, newPeer({ tenantId, id, publicKey, presharedKey, at: now }));
        await writeAudit(sql, {
          tenantId,
          source: { actor: "operator", userId: null, requestId: id, peerId: null, address: null },
          action: "peer.create",
          outcome: "succeeded",
          target: { type: "peer", id },
        });
        await readPeer(sql, { id, owner: null }, now);
      });
      await tenancy.transaction(tenantId, (sql) => readPeer(sql, { id, owner: null }, now));
    });
  } finally {
    await pool.end();
  }
}

/** So many a second, with all clients at work until the last creation. */
async function spread(create: (index: number) => Promise<void>): Promise<number> {
  let next = 0;
  const start = performance.now();
  await Promise.all(Array.from({ length: clients }, async () => {
    for (let index = next++; index < creations; index = next++) await create(index);
  }));
  return creations / ((performance.now() - start) / 1000);
}
