import { connect, type Sql } from "../../db/connection.ts";
import { generateKeyPair, generatePresharedKey } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../support/database.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";
import { stack, tenantOn } from "../support/stack.ts";
import { bareInterface } from "./bare_wireguard.ts";
import { compare, median, type Result } from "./measure.ts";
import { createPeer, operatorClient } from "./operator_client.ts";

const tries = 60;
const warmUp = 5;

/**
 * From POST to an answer that says `active`, through the real API and the real daemon, against the least that
 * any implementation has to do: one INSERT and one \`wg set\` with a preshared key, in the same namespace.
 */
export async function peerActive(): Promise<Result[]> {
  await using made = await stack();
  await made.daemon.start();
  await made.startApi();
  const tenant = await tenantOn(made, "bench");
  // A database of its own: in the product's, the daemon would follow the bare rows.
  await using beside = await testDatabase();
  await seedInterface(beside.owner, "10.20.0.0/16");
  const { id: tenantId } = await seedTenant(beside.owner, "bench");
  await using bare = await bareInterface(made.net, "server");
  const sql = connect(beside.url("massacorp_owner"), { max: 1, applicationName: "bench" });
  using client = operatorClient(made);
  const post = () => createPeer(client, tenant.id, { active: true });

  async function reference(index: number): Promise<number> {
    const peer = {
      ...await generateKeyPair(),
      presharedKey: generatePresharedKey().reveal(),
      address: `10.20.${1 + (index >> 7)}.${6 + (index & 127)}`,
    };
    return await timed(async () => {
      await insert(sql, tenantId, peer);
      await bare.set(peer);
    });
  }

  try {
    const measured: number[] = [];
    const references: number[] = [];
    for (let index = 0; index < warmUp + tries; index++) {
      const took = await timed(post);
      const bareTook = await reference(index);
      if (index < warmUp) continue;
      measured.push(took);
      references.push(bareTook);
    }
    return [compare({
      name: "one peer from POST to active against one wg set and one INSERT, p50",
      unit: "ms",
      value: median(measured),
      reference: median(references),
      bar: { most: 5 },
    })];
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function insert(
  sql: Sql,
  tenantId: number,
  peer: { publicKey: string; address: string },
): Promise<void> {
  await sql`
    insert into wg_peers (tenant_id, id, interface_id, name, public_key, preshared_key, address)
    values (${tenantId}, ${crypto.randomUUID()}, 1, 'bench', ${peer.publicKey},
      ${new Uint8Array(73)}, ${peer.address})`;
}
