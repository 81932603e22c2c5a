import { chunks } from "../../lib/chunks.ts";
import { createSealer, presharedKeyRow } from "../../lib/seal.ts";
import { Secret } from "../../lib/secret.ts";
import { generatePresharedKey } from "../../lib/wireguard_key.ts";
import { openedAtOnce } from "../../wgd/desired/mod.ts";
import { testDatabase } from "../support/database.ts";
import { type Namespaces, namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";
import { bareInterface, type BarePeer, barePeers, peerSections } from "./bare_wireguard.ts";
import { absolute, compare, median, type Result } from "./measure.ts";

const many = 10_000;
/** Enough that one slow second of the machine does not decide. */
const rounds = 7;

/** The cold build of 10,000 peers alone. */
export async function* coldBuild(): AsyncGenerator<Result> {
  await using db = await testDatabase();
  await using net = await namespaces("server", "elsewhere");
  await using daemon = await TestDaemon.create(db, net, {
    env: { WG_NETWORK: "10.10.0.0/16", LOG_LEVEL: "info" },
  });
  await daemon.start();
  for (let at = 0; at < many; at += 1_000) await daemon.addPeers(1_000);
  await allApplied(daemon, many);
  yield* await coldBuildOf({ daemon, net }, await barePeers(many));
}

/** However busy the machine is: nothing is measured here. */
export async function allApplied({ client }: TestDaemon, count: number): Promise<void> {
  await until(
    `${count} peers are applied`,
    async () => (await client.status()).counts.applied >= count,
    { timeoutMs: 120_000, everyMs: 200 },
  );
  // What thousands of additions leave to be read once more is over, too.
  await client.reconcile({});
  await client.reconcile({});
}

/** An interface that is gone, built anew with all its peers; in turns with one that `wg` alone fills. */
export async function coldBuildOf(
  { daemon, net }: { daemon: TestDaemon; net: Namespaces },
  peers: readonly BarePeer[],
): Promise<Result[]> {
  const config = peerSections(peers);
  const [built, raw]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    {
      await using bare = await bareInterface(net, "elsewhere");
      const start = performance.now();
      await bare.load("addconf", config);
      raw.push(performance.now() - start);
    }
    // A regular pass of it would build before the clock is started.
    Deno.kill(daemon.pid, "SIGSTOP");
    await daemon.ip("link", "delete", daemon.name);
    // Of the bare one, too, wireguard-go has ended before the next is measured: with 10,000 peers, it takes 100 ms.
    await until(
      "the old wireguard-go has ended",
      async () => !(await net.exec(daemon.role, ["wg", "show", daemon.name, "dump"])).success,
    );
    const begin = performance.now();
    Deno.kill(daemon.pid, "SIGCONT");
    await daemon.client.reconcile({});
    built.push(performance.now() - begin);
    const { counts } = await daemon.client.status();
    if (counts.applied < many) throw new Error(`${counts.applied} peers after the build`);
  }
  return [
    compare({
      name:
        `cold build of ${many} peers with preshared keys against one raw wg addconf, p50 of ${rounds}`,
      unit: "ms",
      value: median(built),
      reference: median(raw),
      bar: { most: 1.3 },
    }),
    absolute({
      name: `opening ${many} preshared keys, once after a start`,
      unit: "ms",
      value: await openingKeys(),
      most: 1000,
    }),
  ];
}

async function openingKeys(): Promise<number> {
  const sealer = await createSealer(new Secret(crypto.getRandomValues(new Uint8Array(32))));
  const place = presharedKeyRow({ tenantId: 1, peerId: "x", publicKey: "y" });
  const plain = new TextEncoder().encode(generatePresharedKey().reveal());
  const sealed = await Promise.all(Array.from({ length: many }, () => sealer.seal(plain, place)));
  const start = performance.now();
  for (const part of chunks(sealed, openedAtOnce)) {
    await Promise.all(part.map((value) => sealer.open(value, place)));
  }
  return performance.now() - start;
}
