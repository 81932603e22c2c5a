import { connect } from "../../db/connection.ts";
import { generateKeyPair, generatePresharedKey } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../support/database.ts";
import type { Namespaces } from "../support/netns.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";
import { bareInterface, type BarePeer, barePeers, peerSections } from "./bare_wireguard.ts";

/** The least that any implementation does for a new peer, on an interface and in a database of its own. */
export interface BareCreation extends AsyncDisposable {
  /** Brings interface and table to this many peers. */
  fill(count: number): Promise<void>;
  /** One INSERT, and one `wg set` with a preshared key. @returns how long both took, in milliseconds */
  create(): Promise<number>;
}

/** @param role the namespace that the interface lies in */
export async function bareCreation(net: Namespaces, role: string): Promise<BareCreation> {
  await using undo = new AsyncDisposableStack();
  // A database of its own: in the product's, the daemon would follow the bare rows.
  const beside = undo.use(await testDatabase());
  await seedInterface(beside.owner, "10.20.0.0/16");
  const { id: tenantId } = await seedTenant(beside.owner, "bench");
  await beside.owner`update tenants set peer_quota = 60000 where id = ${tenantId}`;
  const bare = undo.use(await bareInterface(net, role));
  const sql = connect(beside.url("massacorp_owner"), { max: 1, applicationName: "bench" });
  undo.defer(() => sql.end({ timeout: 5 }));
  let there = 0;
  // Beyond those that the seed has.
  const next = () => `10.20.${1 + Math.floor(there / 200)}.${6 + there++ % 200}`;
  const insert = (peers: readonly BarePeer[]) =>
    sql`
      insert into wg_peers (tenant_id, id, interface_id, name, public_key, preshared_key, address)
      select ${tenantId}, gen_random_uuid(), 1, 'bench', row.key, ${new Uint8Array(73)}, row.address
      from jsonb_to_recordset(${
      sql.json(peers.map(({ publicKey: key, address }) => ({ key, address })))
    }::jsonb) as row (key text, address inet)`;
  const owned = undo.move();
  return {
    async fill(count) {
      const peers = (await barePeers(Math.max(0, count - there)))
        .map((peer) => ({ ...peer, address: next() }));
      await insert(peers);
      await bare.load("addconf", peerSections(peers));
      await sql`analyze`;
    },
    async create() {
      const presharedKey = generatePresharedKey().reveal();
      const peer = { ...await generateKeyPair(), presharedKey, address: next() };
      const start = performance.now();
      await sql`
        insert into wg_peers (tenant_id, id, interface_id, name, public_key, preshared_key, address)
        values (${tenantId}, ${crypto.randomUUID()}, 1, 'bench', ${peer.publicKey},
          ${new Uint8Array(73)}, ${peer.address})`;
      await bare.set(peer);
      return performance.now() - start;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
