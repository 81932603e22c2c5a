import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { silentLogger } from "../../lib/log.ts";
import { ProcessError } from "../../lib/process.ts";
import { generateKeyPair, generatePresharedKey } from "../../lib/wireguard_key.ts";
import { createConverger, type Work } from "./converge.ts";
import type { DesiredPeer } from "../desired.ts";
import type { TunnelInterface } from "../interface/mod.ts";
import { Meters } from "../seen/meters.ts";
import { type ObservedInterface, parseDump } from "../observed.ts";
import { keysOf } from "../plan.ts";
import { turn } from "../../tests/support/until.ts";

/** An interface that is only a set of keys, and counts how often it is read back. */
function fakeTunnel() {
  const keys = new Map<string, string>();
  const observe = (): ObservedInterface =>
    parseDump(
      ["(none)\t(none)\t51820\toff"].concat(
        [...keys].map(([key, ips]) => `${key}\t(none)\t(none)\t${ips}\t0\t0\t0\toff`),
      ).join("\n") + "\n",
    );
  let looks = 0;
  const tunnel: TunnelInterface = {
    backend: "userspace",
    survey: () =>
      Promise.resolve({
        installed: true,
        link: null,
        routes: null,
        forwards: { ipv4: false, ipv6: false },
        observed: observe(),
      }),
    ensure: (_key, _openings, survey) =>
      Promise.resolve({
        observed: survey?.observed ?? observe(),
        created: false,
        drift: [],
        faults: [],
        guarded: true,
      }),
    open: () => Promise.resolve(new Set()),
    observe: () => {
      looks++;
      return Promise.resolve(observe());
    },
    handshakes: () => Promise.resolve(new Set()),
    apply(command) {
      for (const key of keysOf(command)) keys.delete(key);
      const changes = command.kind === "addconf"
        ? command.changes
        : command.entries.flatMap((entry) => entry.kind === "peer" ? [entry.change] : []);
      for (const { publicKey, allowedIps } of changes) keys.set(publicKey, allowedIps.join());
      return Promise.resolve();
    },
  };
  return { tunnel, keys, looks: () => looks };
}

async function row(n: number, more: Partial<DesiredPeer> = {}): Promise<DesiredPeer> {
  return desiredPeer({
    id: `peer ${n}`,
    publicKey: (await generateKeyPair()).publicKey,
    address: `10.10.0.${n}`,
    allowedIps: [`10.10.0.${n}/32`],
    ...more,
  });
}

const work = (peers: DesiredPeer[], full = false): Work => ({
  full,
  peers,
  retired: [],
  alsoLookAt: [],
  foreign: () => [],
  hasRow: () => true,
  isSettled: () => false,
  openings: () => new Map(),
  now: 0,
});

Deno.test("converge: T3: beside an addition, a removal is believed only after a read-back, and not from memory", async () => {
  const { tunnel, keys, looks } = fakeTunnel();
  const key = await generateKeyPair();
  const converger = createConverger({ tunnel, key, meters: new Meters(), log: silentLogger });
  await converger.converge(work([], true));
  await converger.converge(work([await row(6)]));
  assert.equal(looks(), 0, "an addition alone is accepted");

  const gone = await row(7, { active: false, tombstone: true });
  // By hand, since the interface was looked at: what is remembered does not have it.
  keys.set(gone.publicKey, "10.10.0.7/32");
  const added = await row(8);
  const { after } = await converger.converge(work([added, gone]));
  assert.ok(looks() > 0);
  assert.equal(keys.has(gone.publicKey), false);
  assert.equal(after.peers.has(gone.publicKey), false);
  assert.equal(after.peers.has(added.publicKey), true);
});

Deno.test("converge: T3: a removal is believed only from a look that began after its row was read", async () => {
  const { tunnel, keys } = fakeTunnel();
  const key = await generateKeyPair();
  const converger = createConverger({ tunnel, key, meters: new Meters(), log: silentLogger });
  const row6 = await row(6);
  await converger.converge(work([row6], true));
  const surveyed = async (peers: DesiredPeer[], isCurrent: boolean) => {
    const begun = converger.survey();
    await begun;
    // By hand, while the rows are being read.
    keys.set(late.publicKey, "10.10.0.7/32");
    const { before, after } = await converger.converge({
      ...work([row6, ...peers], true),
      survey: { begun, isCurrent },
    });
    const found = {
      before: before.peers.has(late.publicKey),
      after: after.peers.has(late.publicKey),
      there: keys.delete(late.publicKey),
    };
    return found;
  };
  const late = await row(7, { active: false, tombstone: true });
  const early = { before: false, after: false, there: true };
  assert.deepEqual(await surveyed([], true), early, "nobody asks, so the look from before will do");
  const gone = { before: false, after: false, there: false };
  assert.deepEqual(await surveyed([late], true), gone, "a tombstone is looked for anew, and goes");
  const settled = { generation: "1", state: "removed", error: null } as const;
  const removed = { ...late, tombstone: false, status: settled };
  assert.deepEqual(await surveyed([removed], true), early);
  const anew = { before: true, after: true, there: true };
  assert.deepEqual(
    await surveyed([], false),
    anew,
    "without the rows, everything is looked at anew",
  );
});

Deno.test("converge: files of a thousand peers overlap by two, after all removals, and none follows one that hangs", async () => {
  const { tunnel, keys } = fakeTunnel();
  const key = await generateKeyPair();
  const calls: { kind: string; beside: number; alone: boolean }[] = [];
  let inFlight: string[] = [];
  let hangs = false;
  const converger = createConverger({
    tunnel: {
      ...tunnel,
      async apply(command) {
        const what = command.kind === "set" ? "set" : "addconf";
        calls.push({ kind: what, beside: inFlight.length, alone: !inFlight.includes("set") });
        inFlight.push(what);
        await turn();
        inFlight = inFlight.toSpliced(inFlight.indexOf(what), 1);
        if (hangs) throw new ProcessError("wg", "timeout", null, "");
        await tunnel.apply(command);
      },
    },
    key,
    meters: new Meters(),
    log: silentLogger,
  });
  const old = await row(5);
  await converger.converge(work([old], true));
  const presharedKey = generatePresharedKey();
  const many = await Promise.all(
    Array.from({ length: 4001 }, (_, at) => row(6, { id: `peer ${at}`, presharedKey })),
  );
  calls.length = 0;
  await converger.converge(work([{ ...old, active: false }, ...many], true));
  assert.deepEqual(calls.map(({ kind }) => kind), ["set", ...Array(5).fill("addconf")]);
  assert.deepEqual(calls.map(({ beside }) => beside), [0, 0, 1, 1, 1, 1]);
  assert.ok(calls.every(({ alone }) => alone));
  assert.equal(keys.size, many.length);
  keys.clear();
  calls.length = 0;
  hangs = true;
  const { failures } = await converger.converge(work(many, true));
  assert.equal(calls.length, 2, "only what was under way already");
  assert.equal(failures.size, many.length);
});

Deno.test("converge: T1: without the firewall, or with rules that cannot be closed, nobody is let in, and whoever leaves goes", async () => {
  const { tunnel, keys } = fakeTunnel();
  const key = await generateKeyPair();
  let guarded = true;
  let opens = () => Promise.resolve<ReadonlySet<number>>(new Set());
  const converger = createConverger({
    tunnel: {
      ...tunnel,
      ensure: async (...of) => ({ ...await tunnel.ensure(...of), guarded }),
      open: () => opens(),
    },
    key,
    meters: new Meters(),
    log: silentLogger,
  });
  const [old, other] = [await row(6), await row(7)];
  await converger.converge(work([old, other], true));
  const letIn = async (gone: DesiredPeer) => {
    const comes = await row(8);
    const { failures, refused } = await converger.converge(
      work([{ ...gone, active: false }, comes], true),
    );
    assert.equal(keys.has(gone.publicKey), false);
    return { in: keys.has(comes.publicKey), why: failures.get(comes.publicKey), refused };
  };
  const why = "the firewall rules are not in place, so nobody is let in";
  opens = () => Promise.reject(new ProcessError("nft", "exit", 1, ""));
  assert.deepEqual(await letIn(old), { in: false, why, refused: null });
  opens = () => Promise.resolve(new Set());
  guarded = false;
  assert.deepEqual(await letIn(other), { in: false, why, refused: null });
  guarded = true;
  assert.deepEqual((await letIn(old)).in, true);
});

Deno.test("converge: an addition that wg refused is not taken for one that it accepted", async () => {
  const { tunnel, keys } = fakeTunnel();
  const key = await generateKeyPair();
  const refused = await row(7);
  const converger = createConverger({
    tunnel: {
      ...tunnel,
      apply(command) {
        if (!keysOf(command).includes(refused.publicKey)) return tunnel.apply(command);
        return Promise.reject(new ProcessError("wg", "exit", 1, ""));
      },
    },
    key,
    meters: new Meters(),
    log: silentLogger,
  });
  await converger.converge(work([await row(6)], true));
  const { after, failures } = await converger.converge(work([refused]));
  assert.deepEqual([after.peers.has(refused.publicKey), keys.size], [false, 1]);
  assert.deepEqual([...failures.keys()], [refused.publicKey]);
});
