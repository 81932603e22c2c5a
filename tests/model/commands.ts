import assert from "node:assert/strict";
import fc from "fast-check";
import { generatePresharedKey } from "../../lib/wireguard_key.ts";
import { until } from "../support/until.ts";
import type { Model, ModelKey, ModelPeer } from "./model.ts";
import type { World } from "./world.ts";

/** Does something to the world and the same to the model, and leaves it to both to settle. */
interface Act {
  readonly name: string;
  isPossible(model: Readonly<Model>): boolean;
  perform(model: Model, world: World): Promise<void>;
}

const mostPeers = 12;
const living = (model: Readonly<Model>) => model.peers.filter(({ isDeleted }) => !isDeleted);

function pick(model: Readonly<Model>, n: number): ModelPeer {
  const peers = living(model);
  return peers[n % peers.length] ?? assert.fail("no peer to pick");
}

const hasPeers = (model: Readonly<Model>) => living(model).length > 0;

function keyIn(peer: { public_key: string }, config: string): ModelKey {
  const [, presharedKey = null] = /^PresharedKey = (.*)$/m.exec(config) ?? [];
  return { publicKey: peer.public_key, presharedKey };
}

/** What was answered has to be true at that very moment. */
async function holdToAnswer(
  model: Readonly<Model>,
  { stack: { daemon } }: World,
  { on, off = [] }: { on?: string | undefined; off?: readonly string[] },
): Promise<void> {
  const there = model.kernel === null ? new Map() : (await daemon.dump()).peers;
  for (const key of off) assert.ok(!there.has(key), "removed, and on the interface");
  // What was done by hand while no daemon ran, nobody can know of.
  if (on !== undefined && model.daemonRuns) {
    assert.ok(there.has(on), "active, and not on the interface");
  }
}

function keysOf({ key, next }: ModelPeer): string[] {
  return next ? [key.publicKey, next.publicKey] : [key.publicKey];
}

async function call(
  { stack }: World,
  peer: ModelPeer,
  { path = "", ...request }: { path?: string; method?: string; json?: unknown },
  statuses: readonly number[],
) {
  const reply = await stack.operator(`/wireguard/peers/${peer.id}${path}`, {
    tenant: peer.tenant.id,
    ...request,
  });
  assert.ok(statuses.includes(reply.status), JSON.stringify(reply));
  return reply;
}

const create = (which: { tenant: number; isOwned: boolean; psk: boolean }): Act => ({
  name: `create ${JSON.stringify(which)}`,
  isPossible: (model) => living(model).length < mostPeers,
  perform: (model, world) => createPeer(model, world, which),
});

let names = 0;

async function createPeer(
  model: Model,
  world: World,
  which: { tenant: number; isOwned: boolean; psk: boolean },
  during: (asking: Promise<unknown>) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { stack } = world;
  const tenant = model.tenants[which.tenant] ?? assert.fail();
  const name = `peer-${++names}`;
  const ask = () =>
    stack.operator("/wireguard/peers", {
      tenant: tenant.id,
      json: {
        name,
        preshared_key: which.psk,
        ...which.isOwned ? { user_id: tenant.ownerId } : {},
      },
      headers: { "Idempotency-Key": name },
    });
  const asking = ask();
  // Whoever is cut off asks again, and has made one peer.
  const answered = asking.catch(() => undefined);
  await during(asking);
  const first = await answered;
  const [before] = first ? [] : await stack.db.owner<{ public_key: string }[]>`
    select public_key from wg_peers where name = ${name}`;
  const { status, body } = first ?? await ask();
  assert.equal(status, 201, JSON.stringify(body));
  const { peer, config } = body;
  // What nobody was told is replaced: the private half was lost with the answer.
  if (before) model.retired.add(before.public_key);
  await holdToAnswer(model, world, { on: peer.status === "active" ? peer.public_key : undefined });
  model.peers.push({
    id: peer.id,
    tenant,
    isOwned: which.isOwned,
    address: peer.address,
    key: keyIn(peer, config),
    next: null,
    enabled: true,
    expiresAt: null,
    isDeleted: false,
    generation: 1,
    observed: null,
  });
}

const disable = (n: number): Act => ({
  name: `disable ${n}`,
  isPossible: hasPeers,
  async perform(model, world) {
    const peer = pick(model, n);
    const { status } = await call(world, peer, { path: "/disable", method: "POST" }, [200, 202]);
    await holdToAnswer(model, world, status === 200 ? { off: keysOf(peer) } : {});
    if (peer.enabled) peer.generation++;
    peer.enabled = false;
  },
});

const enable = (n: number): Act => ({
  name: `enable ${n}`,
  isPossible: hasPeers,
  async perform(model, world) {
    const peer = pick(model, n);
    const { body } = await call(world, peer, { path: "/enable", method: "POST" }, [200]);
    await holdToAnswer(model, world, {
      on: body.status === "active" ? peer.key.publicKey : undefined,
    });
    if (!peer.enabled) peer.generation++;
    peer.enabled = true;
  },
});

const remove = (n: number): Act => ({
  name: `delete ${n}`,
  isPossible: hasPeers,
  async perform(model, world) {
    const peer = pick(model, n);
    const { status } = await call(world, peer, { method: "DELETE" }, [200, 202]);
    await holdToAnswer(model, world, status === 200 ? { off: keysOf(peer) } : {});
    if (peer.next) model.retired.add(peer.next.publicKey);
    peer.next = null;
    peer.isDeleted = true;
  },
});

const rotate = (n: number, overlap: number, psk: boolean): Act => ({
  name: `rotate ${n} ${JSON.stringify({ overlap, psk })}`,
  isPossible: hasPeers,
  async perform(model, world) {
    const peer = pick(model, n);
    const hasSession = ["active", "pending"].includes(model.status(peer));
    const json = { overlap_seconds: overlap, preshared_key: psk };
    const { body } = await call(world, peer, { path: "/rotate", json }, [200]);
    if (peer.next) model.retired.add(peer.next.publicKey);
    if (overlap > 0 && hasSession) {
      const { successor_public_key: public_key, deadline } = body.peer.rotation;
      const key = keyIn({ public_key }, body.config);
      peer.next = { ...key, deadline: Date.parse(deadline) };
      if (overlap === 1) {
        await until("the deadline is there", () => Date.now() >= Date.parse(deadline));
      }
    } else {
      model.retired.add(peer.key.publicKey);
      peer.key = keyIn(body.peer, body.config);
      peer.next = null;
    }
    peer.generation++;
  },
});

const expire = (n: number): Act => ({
  name: `expire ${n}`,
  isPossible: hasPeers,
  async perform(model, world) {
    const peer = pick(model, n);
    const expiresAt = await expireSoon(world, peer);
    peer.expiresAt = expiresAt;
    peer.generation++;
    await until("it is over", () => Date.now() >= expiresAt);
  },
});

/** As soon as this machine can still ask for before it is over. @returns when, in milliseconds */
async function expireSoon(world: World, peer: ModelPeer): Promise<number> {
  for (let soon = 300;; soon *= 2) {
    const expiresAt = Date.now() + soon;
    const json = { expires_at: new Date(expiresAt).toISOString() };
    const { status, body } = await call(world, peer, { method: "PATCH", json }, [200, 422]);
    if (status === 200) return expiresAt;
    assert.equal(body.errors[0].code, "in_the_past");
    assert.ok(soon < 20_000);
  }
}

const prolong = (n: number): Act => ({
  name: `prolong ${n}`,
  isPossible: hasPeers,
  async perform(model, world) {
    const peer = pick(model, n);
    await call(world, peer, { method: "PATCH", json: { expires_at: null } }, [200]);
    if (peer.expiresAt !== null) peer.generation++;
    peer.expiresAt = null;
  },
});

const toggleTenant = (n: number): Act => ({
  name: `suspend or resume tenant ${n}`,
  isPossible: () => true,
  async perform(model, { stack: { db } }) {
    const tenant = model.tenants[n] ?? assert.fail();
    tenant.active = !tenant.active;
    await db.owner`update tenants set status = ${tenant.active ? "active" : "suspended"}
      where id = ${tenant.id}`;
  },
});

const toggleOwner = (n: number): Act => ({
  name: `deactivate or activate the owner of tenant ${n}`,
  isPossible: () => true,
  async perform(model, { stack: { db } }) {
    const tenant = model.tenants[n] ?? assert.fail();
    tenant.ownerActive = !tenant.ownerActive;
    await db.owner`update users set status = ${tenant.ownerActive ? "active" : "inactive"}
      where id = ${tenant.ownerId}`;
  },
});

const drifts = ["remove", "preshared_key", "steal", "add", "interface"] as const;

/** Something is done by hand; the daemon is told to look, or finds it by itself. */
const drift = (n: number, kind: typeof drifts[number], isTold: boolean): Act => ({
  name: `by hand: ${kind} ${n}${isTold ? "" : ", untold"}`,
  isPossible: ({ kernel, daemonRuns }) =>
    kernel !== null && kernel.size > (kind === "steal" ? 1 : 0) &&
    // To a daemon that was not there, a key added by hand may be one whose row vanished.
    (kind !== "add" || daemonRuns),
  async perform(model, { stack: { daemon, net } }) {
    const { kernel } = model;
    if (!kernel) return;
    const keys = [...kernel.keys()].sort();
    const key = keys[n % keys.length] ?? assert.fail();
    const entry = kernel.get(key) ?? assert.fail();
    const set = (...args: string[]) => daemon.wg("set", daemon.name, "peer", ...args);
    if (kind === "remove") {
      await set(key, "remove");
      kernel.delete(key);
    } else if (kind === "preshared_key") {
      const other = generatePresharedKey().reveal();
      await net.run(
        "server",
        ["wg", "set", daemon.name, "peer", key, "preshared-key", "/dev/stdin"],
        { stdin: other },
      );
      entry.presharedKey = other;
    } else if (kind === "steal") {
      const victim = kernel.get(keys[(n + 1) % keys.length] ?? "") ?? assert.fail();
      await set(key, "allowed-ips", victim.allowedIps.join());
      entry.allowedIps = victim.allowedIps;
      victim.allowedIps = [];
    } else if (kind === "add") {
      await set(generatePresharedKey().reveal(), "allowed-ips", "10.10.0.250/32");
    } else {
      await daemon.ip("link", "delete", daemon.name);
      model.kernel = null;
    }
    if (isTold && model.daemonRuns) await daemon.client.reconcile({});
  },
});

const killDaemon: Act = {
  name: "kill -9 of the daemon",
  isPossible: ({ daemonRuns }) => daemonRuns,
  async perform(model, { stack: { daemon } }) {
    await daemon.end("SIGKILL");
    model.daemonRuns = false;
  },
};

const startDaemon: Act = {
  name: "start of the daemon",
  isPossible: ({ daemonRuns }) => !daemonRuns,
  async perform(model, { stack: { daemon } }) {
    await daemon.start();
    model.daemonRuns = true;
  },
};

const killDaemonDuring = (act: Act): Act => ({
  name: `kill -9 of the daemon, and its start, during: ${act.name}`,
  isPossible: (model) => model.daemonRuns && act.isPossible(model),
  async perform(model, world) {
    const { daemon } = world.stack;
    await Promise.all([act.perform(model, world), daemon.end("SIGKILL")]);
    await daemon.start();
  },
});

/** @param patience until what of a creation the API may live */
const killApiDuring = (
  which: { tenant: number; isOwned: boolean; psk: boolean },
  moment: "asked" | "committed" | "answered",
): Act => ({
  name: `kill -9 of the API, and its start, once it is ${moment}: ${create(which).name}`,
  isPossible: create(which).isPossible,
  perform: (model, world) =>
    createPeer(model, world, which, async (asking) => {
      const { stack } = world;
      if (moment === "committed") {
        await until("it is committed", async () => {
          const rows = await stack.db.owner`select from wg_peers where name = ${`peer-${names}`}`;
          return rows.length === 1;
        }, { everyMs: 1 });
      } else if (moment === "answered") await asking;
      await stack.stopApi("SIGKILL");
      await stack.startApi();
    }),
});

class Command implements fc.AsyncCommand<Model, World> {
  constructor(readonly act: Act) {}

  check(model: Readonly<Model>): boolean {
    return this.act.isPossible(model);
  }

  async run(model: Model, world: World): Promise<void> {
    await this.act.perform(model, world);
    await world.settle(model);
  }

  toString(): string {
    return this.act.name;
  }
}

const n = fc.nat({ max: mostPeers - 1 });
const tenant = fc.nat({ max: 1 });
const psk = fc.boolean();
const which = fc.record({ tenant, isOwned: fc.boolean(), psk });
const overlap = fc.oneof(
  { arbitrary: fc.constantFrom(0, 3600), weight: 5 },
  { arbitrary: fc.constant(1), weight: 1 },
);
const often = fc.boolean().chain((told) => told ? fc.constant(true) : fc.boolean());

const acts = {
  create: which.map(create),
  disable: n.map(disable),
  enable: n.map(enable),
  remove: n.map(remove),
  rotate: fc.tuple(n, overlap, psk).map(([n, overlap, psk]) => rotate(n, overlap, psk)),
  expire: n.map(expire),
  prolong: n.map(prolong),
  toggleTenant: tenant.map(toggleTenant),
  toggleOwner: tenant.map(toggleOwner),
  drift: fc.tuple(n, fc.constantFrom(...drifts), often)
    .map(([n, kind, isTold]) => drift(n, kind, isTold)),
};

/** How often each comes, among all of them. */
const weighted: [weight: number, arbitrary: fc.Arbitrary<Act>][] = [
  [6, acts.create],
  [2, acts.disable],
  [3, acts.enable],
  [2, acts.remove],
  [4, acts.rotate],
  [2, acts.expire],
  [2, acts.prolong],
  [2, acts.toggleTenant],
  [2, acts.toggleOwner],
  [4, acts.drift],
  [3, fc.constant(killDaemon)],
  [3, fc.constant(startDaemon)],
  [
    2,
    fc.oneof(acts.create, acts.disable, acts.enable, acts.remove, acts.rotate).map(
      killDaemonDuring,
    ),
  ],
  [
    1,
    fc.tuple(which, fc.constantFrom("asked" as const, "committed" as const, "answered" as const))
      .map(([which, moment]) => killApiDuring(which, moment)),
  ],
];

export function someCommands(maxCommands: number) {
  return fc.commands(
    weighted.flatMap(([weight, arbitrary]) =>
      Array.from({ length: weight }, () => arbitrary.map((act) => new Command(act)))
    ),
    { maxCommands, size: "max" },
  );
}
