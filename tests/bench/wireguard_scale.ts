import { generateKeyPair, generatePresharedKey } from "../../lib/wireguard_key.ts";
import { type Stack, stackOn, type StackTenant, tenantOn } from "../support/stack.ts";
import type { TestDaemon, TestPeer } from "../support/wgd.ts";
import { until } from "../support/until.ts";
import { bareInterface, type BarePeer, barePeers, peerSections } from "./bare_wireguard.ts";
import { type BareCreation, bareCreation } from "./bare_creation.ts";
import { allApplied, coldBuildOf } from "./cold_build.ts";
import { absolute, compare, median, percentile, residentMb, type Result } from "./measure.ts";
import { createPeer, deletePeer, operatorClient } from "./operator_client.ts";
import { pingWhile } from "./ping.ts";
import { changes, rowsWritten } from "./rows_written.ts";

const network = "10.10.0.0/16";
const few = 1_000;
const many = 10_000;

/** The daemon and the API at 1,000 and at 10,000 peers, beside the bare tools on as many. */
export async function* wireguardScale({ cycles }: { cycles: number }): AsyncGenerator<Result> {
  await using made = await stackOn(
    { env: { WG_NETWORK: network, LOG_LEVEL: "info" } },
    "client",
    "elsewhere",
  );
  const { daemon } = made;
  await daemon.start();
  await made.startApi();
  const tenant = await tenantOn(made, "scale");
  await made.db.owner`update tenants set peer_quota = 60000 where id = ${tenant.id}`;

  await daemon.addPeers(few, { tenantId: tenant.id });
  await allApplied(daemon, few);
  await using bare = await bareCreation(made.net, "server");
  const atFew = await postToActive(made, { tenant, bare, count: few });
  yield atFew.against;
  for (let at = few; at < many; at += few) await daemon.addPeers(few, { tenantId: tenant.id });
  await allApplied(daemon, many);
  await made.db.owner`analyze`;
  const atMany = await postToActive(made, { tenant, bare, count: many });
  // Early: it takes memory and time of the machine, which what follows needs.
  await bare[Symbol.asyncDispose]();
  yield atMany.against;
  yield compare({
    name: `POST to active, p50 at ${many} peers against that at ${few}`,
    unit: "ms",
    value: median(atMany.took),
    reference: median(atFew.took),
    bar: { most: 2 },
  });

  yield* await idle(made, cycles);
  yield* await drift(made);
  yield* await revocation(made, tenant);
  const peers = await barePeers(many);
  yield* await coldBuildOf(made, peers);
  yield await syncconf(made, { peers, tenant });
  yield absolute({
    name: `the daemon at ${many} peers, resident`,
    unit: "MB",
    value: await residentMb(daemon.pid),
    most: 200,
  });
}

/** One by one, each beside the least that anybody does for it, on as many peers. */
async function postToActive(
  made: Stack,
  { tenant, bare, count }: { tenant: StackTenant; bare: BareCreation; count: number },
): Promise<{ took: number[]; against: Result }> {
  using client = operatorClient(made);
  await bare.fill(count);
  const [took, references]: [number[], number[]] = [[], []];
  for (let index = -5; index < 40; index++) {
    const start = performance.now();
    await createPeer(client, tenant.id, { active: true });
    const end = performance.now();
    const reference = await bare.create();
    if (index < 0) continue;
    took.push(end - start);
    references.push(reference);
  }
  const against = compare({
    name: `POST to active at ${count} peers against one wg set and one INSERT on as many, p50`,
    unit: "ms",
    value: median(took),
    reference: median(references),
    bar: { most: 5 },
  });
  return { took, against };
}

/** Full passes that find nothing to do, beside one raw dump each; what they write, and what memory they keep. */
async function idle({ daemon, db }: Stack, cycles: number): Promise<Result[]> {
  for (let round = 0; round < 20; round++) await daemon.client.reconcile({});
  const [injected] = (await daemon.dump()).peers.values();
  if (!injected?.presharedKey) throw new RangeError("no peers");
  let repairedAfter = Infinity;
  const [passes, dumps]: [number[], number[]] = [[], []];
  const residentBefore = await residentMb(daemon.pid);
  const written = new Map<string, number>();
  let before = await rowsWritten(db.owner);
  const count = async () => {
    const after = await rowsWritten(db.owner);
    for (const [table, n] of changes(before, after)) {
      written.set(table, (written.get(table) ?? 0) + n);
    }
  };
  for (let round = 0; round < cycles; round++) {
    if (round === Math.floor(cycles / 2)) {
      // Its repair is written down, and is no idle pass.
      await count();
      repairedAfter = await passesToRepair(daemon, injected.publicKey);
      before = await rowsWritten(db.owner);
    }
    const start = performance.now();
    await daemon.client.reconcile({});
    const between = performance.now();
    passes.push(between - start);
    if (round >= 50) continue;
    await daemon.wg("show", daemon.name, "dump");
    dumps.push(performance.now() - between);
  }
  const residentAfter = await residentMb(daemon.pid);
  await count();
  const tables = [...written].map(([table, n]) => ` ${table} ${n}`).join("");
  return [
    compare({
      name: `idle reconcile at ${many} peers against one raw dump, p50`,
      unit: "ms",
      value: median(passes),
      reference: median(dumps),
      bar: { most: 2 },
    }),
    absolute({
      name: `rows written by ${cycles} idle reconciles, in any table${tables}`,
      unit: "",
      value: [...written.values()].reduce((sum, n) => sum + n, 0),
      most: 0,
    }),
    compare({
      name: `resident memory after ${cycles} idle reconciles against before`,
      unit: "MB",
      value: residentAfter,
      reference: residentBefore,
      bar: { most: 1.1 },
    }),
    absolute({
      name: "passes until a preshared key changed by hand in that run was right again",
      unit: "",
      value: repairedAfter,
      most: 1,
    }),
  ];
}

async function passesToRepair(daemon: TestDaemon, publicKey: string): Promise<number> {
  const keyOf = async () => (await daemon.dump()).peers.get(publicKey)?.presharedKey?.reveal();
  const right = await keyOf();
  await daemon.wg("set", daemon.name, "peer", publicKey, "preshared-key", "/dev/null");
  for (let passes = 1; passes <= 5; passes++) {
    await daemon.client.reconcile({});
    if (await keyOf() === right) return passes;
  }
  throw new Error("a changed preshared key was not put right");
}

/** From a change by hand to its repair, without anybody asking the daemon to look. */
async function drift({ daemon }: Stack): Promise<Result[]> {
  const peers = [...(await daemon.dump()).peers.values()];
  const took: number[] = [];
  for (let index = 0; index < 15; index++) {
    const peer = peers[index * 97];
    if (!peer) throw new RangeError("not enough peers");
    // Every other one keeps its place and loses its preshared key.
    const change = index % 2 === 0 ? ["remove"] : ["preshared-key", "/dev/null"];
    const start = performance.now();
    await daemon.wg("set", daemon.name, "peer", peer.publicKey, ...change);
    await until("the drift is repaired", async () => {
      const listed = await daemon.wg("show", daemon.name, "preshared-keys");
      return listed.includes(`${peer.publicKey}\t${peer.presharedKey?.reveal()}`);
    }, { everyMs: 100 });
    took.push(performance.now() - start);
  }
  const name = `repair of one peer changed by hand at ${many}`;
  return [
    absolute({ name: `${name}, p50`, unit: "ms", value: median(took), most: 2000 }),
    absolute({
      name: `${name}, slowest of ${took.length}`,
      unit: "ms",
      value: Math.max(...took),
      most: 5000,
    }),
  ];
}

async function revocation(made: Stack, tenant: StackTenant): Promise<Result[]> {
  using client = operatorClient(made);
  const took: number[] = [];
  for (let index = 0; index < 100; index++) {
    const id = await createPeer(client, tenant.id, { active: true });
    const start = performance.now();
    await deletePeer(client, tenant.id, id);
    took.push(performance.now() - start);
  }
  return [absolute({
    name: `DELETE to proven removal at ${many} peers, p99 of ${took.length}`,
    unit: "ms",
    value: percentile(took, 99),
    most: 1000,
  })];
}

type Bare = Awaited<ReturnType<typeof bareInterface>>;

/** One change the way of a tool that writes the whole file and syncs it, with what a client loses meanwhile. */
async function syncconf(
  made: Stack,
  { peers, tenant }: { peers: BarePeer[]; tenant: StackTenant },
): Promise<Result> {
  await using bare = await bareInterface(made.net, "elsewhere");
  using client = operatorClient(made);
  const { daemon, net } = made;
  const own = await daemon.addPeer({ tenantId: tenant.id });
  await daemon.untilState(own, "applied");
  await daemon.connect("client", own);
  await until(
    "the tunnel carries packets",
    async () => (await net.exec("client", ["ping", "-c", "1", "-W", "1", "10.10.0.1"])).success,
    { timeoutMs: 20_000 },
  );
  const ours: number[] = [];
  const lost = await pingWhile(net.argv("client", []), "10.10.0.1", async () => {
    for (let index = 0; index < 20; index++) {
      const start = performance.now();
      await createPeer(client, tenant.id, { active: true });
      ours.push(performance.now() - start);
    }
  });
  const theirs: number[] = [];
  const bareClient = await connectBare(made, bare, peers);
  const lostBare = await pingWhile(net.argv("client", []), bareClient.gateway, async () => {
    for (let index = 0; index < 5; index++) {
      const next = { ...peers[index] ?? bareClient.peer, address: `10.30.${index}.1` };
      const all = [
        ...peers.filter((peer) => peer.publicKey !== next.publicKey),
        next,
        bareClient.peer,
      ];
      const start = performance.now();
      await bare.load("syncconf", bareClient.header + peerSections(all));
      theirs.push(performance.now() - start);
    }
  });
  return {
    ...compare({
      name:
        `one change at ${many} peers: POST to active against wg syncconf of the whole file, p50` +
        ` (pings lost: ${lost.lost} of ${lost.sent} against ${lostBare.lost} of ${lostBare.sent})`,
      unit: "ms",
      value: median(ours),
      reference: median(theirs),
    }),
  };
}

/** A client of the bare interface, beside the product's in the same namespace. */
async function connectBare({ net, daemon }: Stack, bare: Bare, peers: BarePeer[]) {
  const [gatewayKey, clientKey] = [await generateKeyPair(), await generateKeyPair()];
  const presharedKey = generatePresharedKey().reveal();
  const gateway = "10.31.0.1";
  const peer = { publicKey: clientKey.publicKey, presharedKey, address: "10.31.0.6" };
  const header =
    `[Interface]\nPrivateKey = ${gatewayKey.privateKey.reveal()}\nListenPort = 51999\n`;
  await bare.load("syncconf", header + peerSections([...peers, peer]));
  await net.run("elsewhere", ["ip", "address", "add", `${gateway}/16`, "dev", bare.name]);
  await net.run("elsewhere", ["ip", "link", "set", bare.name, "up"]);
  const mine: TestPeer = {
    ...clientKey,
    tenantId: 0,
    id: "",
    address: peer.address,
    presharedKey: null,
  };
  await daemon.connectTo("client", mine, {
    publicKey: gatewayKey.publicKey,
    endpoint: `${net.address("elsewhere")}:51999`,
    network: "10.31.0.0/16",
    presharedKey,
  });
  await until(
    "the bare tunnel carries packets",
    async () => (await net.exec("client", ["ping", "-c", "1", "-W", "1", gateway])).success,
    { timeoutMs: 20_000 },
  );
  return { gateway, header, peer };
}
