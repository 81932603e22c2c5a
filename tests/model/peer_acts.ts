import assert from "node:assert/strict";
import type { Act } from "./act.ts";
import { until } from "../support/until.ts";
import type { Model, ModelKey, ModelPeer } from "./model.ts";
import type { World } from "./world.ts";

export const mostPeers = 12;
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

export const create = (which: { tenant: number; isOwned: boolean; psk: boolean }): Act => ({
  name: `create ${JSON.stringify(which)}`,
  isPossible: (model) => living(model).length < mostPeers,
  perform: (model, world) => createPeer(model, world, which),
});

let names = 0;

export async function createPeer(
  model: Model,
  world: World,
  which: { tenant: number; isOwned: boolean; psk: boolean },
  during: (asking: Promise<unknown>, name: string) => Promise<void> = () => Promise.resolve(),
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
  await during(asking, name);
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

export const disable = (n: number): Act => ({
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

export const enable = (n: number): Act => ({
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

export const remove = (n: number): Act => ({
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

export const rotate = (n: number, overlap: number, psk: boolean): Act => ({
  name: `rotate ${n} ${JSON.stringify({ overlap, psk })}`,
  isPossible: hasPeers,
  async perform(model, world) {
    const peer = pick(model, n);
    const hasSession = ["active", "pending"].includes(model.status(peer));
    const json = { overlap_seconds: overlap, preshared_key: psk };
    const { body } = await call(world, peer, { path: "/rotate", json }, [200]);
    if (peer.next) model.retired.add(peer.next.publicKey);
    // A slow machine tells of a second's overlap when it is over.
    const isOver = overlap === 1 && body.peer.rotation === null;
    if (overlap > 0 && hasSession && !isOver) {
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

export const expire = (n: number): Act => ({
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

export const prolong = (n: number): Act => ({
  name: `prolong ${n}`,
  isPossible: hasPeers,
  async perform(model, world) {
    const peer = pick(model, n);
    await call(world, peer, { method: "PATCH", json: { expires_at: null } }, [200]);
    if (peer.expiresAt !== null) peer.generation++;
    peer.expiresAt = null;
  },
});

export const toggleTenant = (n: number): Act => ({
  name: `suspend or resume tenant ${n}`,
  isPossible: () => true,
  async perform(model, { stack: { db } }) {
    const tenant = model.tenants[n] ?? assert.fail();
    tenant.active = !tenant.active;
    await db.owner`update tenants set status = ${tenant.active ? "active" : "suspended"}
      where id = ${tenant.id}`;
  },
});

export const toggleOwner = (n: number): Act => ({
  name: `deactivate or activate the owner of tenant ${n}`,
  isPossible: () => true,
  async perform(model, { stack: { db } }) {
    const tenant = model.tenants[n] ?? assert.fail();
    tenant.ownerActive = !tenant.ownerActive;
    await db.owner`update users set status = ${tenant.ownerActive ? "active" : "inactive"}
      where id = ${tenant.ownerId}`;
  },
});
