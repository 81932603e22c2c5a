import assert from "node:assert/strict";
import { startTestCluster } from "../support/cluster.ts";
import {
  peerOn,
  type Stack,
  stack,
  stackOn,
  type StackTenant,
  tenantOn,
} from "../support/stack.ts";
import { assertWhole } from "../support/whole.ts";
import { until } from "../support/until.ts";

/** A request whose sender may be cut off; its answer, or undefined when none came. */
async function tryCreate({ operator }: Stack, tenant: StackTenant, name: string) {
  try {
    const { status, body } = await operator("/wireguard/peers", {
      tenant: tenant.id,
      json: { name },
    });
    return status === 201 ? (body.peer as { id: string; address: string }) : undefined;
  } catch {
    return undefined;
  }
}

/** True when it was answered, as done or as under way: either way it is committed. */
async function tryRemove({ operator }: Stack, tenant: StackTenant, id: string): Promise<boolean> {
  try {
    const path = `/wireguard/peers/${id}`;
    const { status } = await operator(path, { method: "DELETE", tenant: tenant.id });
    return status === 200 || status === 202;
  } catch {
    return false;
  }
}

Deno.test("D2: kill -9 of the API under load leaves nothing half-done, and what it acknowledged stays", async () => {
  await using made = await stack();
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const acknowledged: string[] = [];
  for (let round = 0; round < 3; round++) {
    let answered = 0;
    const creations = Array.from({ length: 30 }, async (_, n) => {
      const peer = await tryCreate(made, acme, `peer ${round}-${n}`);
      if (peer) acknowledged.push(peer.id);
      answered++;
    });
    // In the middle of it: some were answered, others are under way.
    await until("some are answered", () => answered >= 3 + round * 5, { everyMs: 1 });
    await made.stopApi("SIGKILL");
    await Promise.all(creations);
    await made.startApi();
    await assertWhole(made.daemon, { created: acknowledged, audited: true });
  }
  assert(acknowledged.length >= 9);
});

Deno.test("D2: kill -9 of the API between commit and answer: the change holds, and asked for again it is not made twice", async () => {
  await using made = await stack();
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const going = (await peerOn(made, acme)).peer;
  const create = () =>
    made.operator("/wireguard/peers", {
      tenant: acme.id,
      json: { name: "once" },
      headers: { "Idempotency-Key": "once" },
    });
  // A daemon that stands still keeps the API between its commit and its answer.
  Deno.kill(made.daemon.pid, "SIGSTOP");
  const answers = Promise.allSettled([
    create(),
    made.operator(`/wireguard/peers/${going.id}`, { method: "DELETE", tenant: acme.id }),
  ]);
  await until("both are committed", async () => {
    const [row] = await made.db.owner`
      select count(*) filter (where deleted_at is null)::int as created,
        count(deleted_at)::int as removed from wg_peers`;
    return row?.created === 1 && row.removed === 1;
  }, { everyMs: 1 });
  await made.stopApi("SIGKILL");
  for (const { status } of await answers) assert.equal(status, "rejected", "nobody was answered");
  Deno.kill(made.daemon.pid, "SIGCONT");
  await assertWhole(made.daemon, { removed: [going.public_key], audited: true });

  await made.startApi();
  const [row] = await made.db.owner`select id, host(address) as address from wg_peers`;
  const again = await create();
  assert.deepEqual([again.status, again.body.peer.id, again.body.peer.address], [
    201,
    row?.id,
    row?.address,
  ]);
  assert.match(again.body.config, /^PrivateKey = /m);
  await assertWhole(made.daemon, { created: [again.body.peer.id], audited: true });
});

Deno.test("D2: kill -9 of PostgreSQL under load loses nothing that was acknowledged, and all recovers by itself", async () => {
  const cluster = await startTestCluster({ durable: true });
  try {
    await using made = await stackOn({ cluster });
    await made.daemon.start();
    await made.startApi();
    const acme = await tenantOn(made, "acme");
    const acknowledged: string[] = [];
    const removed: string[] = [];
    const standing = await Promise.all(Array.from({ length: 20 }, () => peerOn(made, acme)));
    const [held] = standing;
    // One removal is under way until then, however soon all the others are answered.
    const locked = Promise.withResolvers<void>();
    const holding = made.db.owner.begin(async (sql) => {
      await sql`select from wg_peers where id = ${held?.peer.id} for update`;
      locked.resolve();
      await new Promise(() => {});
    }).catch(() => {});
    await locked.promise;
    let answered = 0;
    // Not by looking now and then: on a busy machine all would be answered meanwhile.
    const some = Promise.withResolvers<void>();
    const count = () => ++answered >= 10 && some.resolve();
    const creations = Array.from({ length: 30 }, async (_, n) => {
      const peer = await tryCreate(made, acme, `peer ${n}`);
      if (peer) acknowledged.push(peer.id);
      count();
    });
    const removals = standing.map(async ({ peer }) => {
      if (await tryRemove(made, acme, peer.id)) removed.push(peer.public_key);
      count();
    });
    await some.promise;
    await cluster.kill();
    await Promise.all([...creations, ...removals, holding]);
    const down = await made.operator("/wireguard/peers", { tenant: acme.id });
    assert.equal(down.status, 503);
    await cluster.up();
    await until("the API answers again", async () => {
      return (await made.operator("/wireguard/peers", { tenant: acme.id })).status === 200;
    });
    assert(acknowledged.length + removed.length < answered, "some were cut off");
    await assertWhole(made.daemon, { created: acknowledged, removed, audited: true });
    const after = await peerOn(made, acme);
    await until("a new peer is active", async () => {
      const { body } = await made.operator(`/wireguard/peers/${after.peer.id}`, {
        tenant: acme.id,
      });
      return body.status === "active";
    });
  } finally {
    await cluster.stop();
  }
});

Deno.test("T3: ten clients that create, disable, enable, rotate and delete one peer at once end in one truth", async () => {
  await using made = await stack();
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const bystander = (await peerOn(made, acme)).peer;
  for (let round = 0; round < 3; round++) {
    const { peer } = await peerOn(made, acme);
    const path = `/wireguard/peers/${peer.id}`;
    const act = (verb: string, json: Record<string, unknown> = {}) =>
      made.operator(`${path}/${verb}`, { method: "POST", tenant: acme.id, json });
    const keys = [peer.public_key];
    const calls = Array.from({ length: 10 }, async (_, n) => {
      const replies = [
        await act(n % 2 ? "disable" : "enable"),
        await act("rotate", { overlap_seconds: n % 3 ? 3600 : 0 }),
      ];
      for (const { body } of replies) {
        if (body.peer) keys.push(body.peer.public_key, body.peer.rotation?.successor_public_key);
      }
      if (n === 5) replies.push(await made.operator(path, { method: "DELETE", tenant: acme.id }));
      replies.push(await act("enable"));
      return replies.map((reply) => reply.status);
    });
    const statuses = new Set((await Promise.all(calls)).flat());
    for (const status of statuses) assert([200, 202, 404, 409].includes(status), `${status}`);
    await until("the peer is gone", async () => {
      return (await made.operator(path, { tenant: acme.id })).status === 404;
    });
    // However late somebody asks: it does not come back.
    assert.equal((await act("enable")).status, 404);
    await assertWhole(made.daemon, { created: [bystander.id], removed: keys, audited: true });
    assert.deepEqual([...(await made.daemon.dump()).peers.keys()], [bystander.public_key]);
  }
});
