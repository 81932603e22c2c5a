import { namespaces } from "../support/netns.ts";
import { testDatabase } from "../support/database.ts";
import { until } from "../support/until.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";
import { absolute, percentile, type Result } from "./measure.ts";

const changes = 300;
const clients = 10;

/**
 * From before the commit of one change to when the daemon knows that the interface follows: by `wg`'s acceptance
 * for a peer that comes, by a read-back without it for one that goes (T2). Alone, and ten at a time.
 */
export async function commitToKernel(): Promise<Result[]> {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using daemon = await TestDaemon.create(db, net, {
    env: { WG_NETWORK: "10.10.0.0/16", LOG_LEVEL: "info" },
  });
  await daemon.start();
  const results: Result[] = [];
  const peers: TestPeer[] = [];
  for (const size of [50, 1_000]) {
    peers.push(...await daemon.addPeers(size - peers.length));
    await daemon.client.reconcile({});
    await db.owner`analyze`;
    for (const inFlight of [1, clients]) {
      const took = await changeSome(daemon, peers, inFlight);
      const listed = await daemon.wg("show", daemon.name, "peers");
      const missing = peers.filter(({ publicKey }) => !listed.includes(publicKey));
      if (missing.length > 0) throw new Error(`${missing.length} peers are not on the interface`);
      const how = inFlight === 1 ? "lone changes" : `changes, ${inFlight} at a time`;
      results.push(absolute({
        name: `commit to kernel at ${size} peers, p99 of ${took.length} ${how}`,
        unit: "ms",
        value: percentile(took, 99),
        most: 100,
      }));
    }
  }
  return results;
}

/** Disables and enables peers, so that each goes and comes. */
async function changeSome(
  { db, client }: TestDaemon,
  peers: readonly TestPeer[],
  inFlight: number,
): Promise<number[]> {
  const took: number[] = [];
  const change = async ({ id }: TestPeer, enabled: boolean) => {
    const start = performance.now();
    await db.owner`update wg_peers set enabled = ${enabled} where id = ${id}`;
    await until("the interface follows", async () => {
      return (await client.peers(id)).length === (enabled ? 1 : 0);
    }, { everyMs: inFlight });
    took.push(performance.now() - start);
  };
  let next = 0;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (next < changes / 2) {
      const peer = peers[(next++ * 7) % peers.length];
      if (!peer) throw new RangeError("no peers");
      await change(peer, false);
      await change(peer, true);
    }
  }));
  return took;
}
