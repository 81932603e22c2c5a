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

/** Nothing half-done: rows, addresses, audit entries and the interface say the same. */
async function assertWhole(made: Stack, acknowledged: { id: string }[]): Promise<void> {
  const rows = await made.db.owner<{ id: string; address: string; public_key: string }[]>`
    select id, host(address) as address, public_key from wg_peers where deleted_at is null`;
  const ids = new Set(rows.map((row) => row.id));
  for (const { id } of acknowledged) assert(ids.has(id), `${id} was acknowledged`);
  const [count] = await made.db.owner`
    select
      (select count(*)::int from wg_ip_pool where free_from is null) as taken,
      (select count(distinct address)::int from wg_peers) as addresses,
      (select count(*)::int from wg_peers) as peers,
      (select count(*)::int from wg_peers p where not exists (
        select from audit_log a where a.action = 'peer.create' and a.target_id = p.id::text)) as unaudited,
      (select count(*)::int from audit_log a where a.action = 'peer.create' and not exists (
        select from wg_peers p where p.id::text = a.target_id)
        and not exists (
        select from audit_log d where d.action = 'peer.delete' and d.target_id = a.target_id)) as orphaned`;
  assert.equal(count?.taken, count?.peers, "no address is lost");
  assert.equal(count?.addresses, count?.peers, "no address is doubled");
  assert.equal(count?.unaudited, 0);
  assert.equal(count?.orphaned, 0);
  await until("the interface equals the table", async () => {
    const { peers } = await made.daemon.dump();
    return peers.size === rows.length &&
      rows.every((row) => peers.get(row.public_key)?.allowedIps[0] === `${row.address}/32`);
  }, { timeoutMs: 20_000 });
}

Deno.test("D2: kill -9 of the API under load leaves nothing half-done, and what it acknowledged stays", async () => {
  await using made = await stack();
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const acknowledged: { id: string }[] = [];
  for (let round = 0; round < 3; round++) {
    let answered = 0;
    const creations = Array.from({ length: 30 }, async (_, n) => {
      const peer = await tryCreate(made, acme, `peer ${round}-${n}`);
      if (peer) acknowledged.push(peer);
      answered++;
    });
    // In the middle of it: some were answered, others are under way.
    await until("some are answered", () => answered >= 3 + round * 5, { everyMs: 1 });
    await made.stopApi("SIGKILL");
    await Promise.all(creations);
    await made.startApi();
    await assertWhole(made, acknowledged);
  }
  assert(acknowledged.length >= 9);
});

Deno.test("D2: kill -9 of PostgreSQL under load loses nothing that was acknowledged, and all recovers by itself", async () => {
  const cluster = await startTestCluster({ durable: true });
  try {
    await using made = await stackOn({ cluster });
    await made.daemon.start();
    await made.startApi();
    const acme = await tenantOn(made, "acme");
    const acknowledged: { id: string }[] = [];
    let answered = 0;
    const creations = Array.from({ length: 40 }, async (_, n) => {
      const peer = await tryCreate(made, acme, `peer ${n}`);
      if (peer) acknowledged.push(peer);
      answered++;
    });
    await until("some are answered", () => answered >= 5, { everyMs: 1 });
    await cluster.kill();
    await Promise.all(creations);
    const down = await made.operator("/wireguard/peers", { tenant: acme.id });
    assert.equal(down.status, 503);
    await cluster.up();
    await until("the API answers again", async () => {
      return (await made.operator("/wireguard/peers", { tenant: acme.id })).status === 200;
    });
    await assertWhole(made, acknowledged);
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
    const calls = Array.from({ length: 10 }, async (_, n) => {
      const replies = [
        await act(n % 2 ? "disable" : "enable"),
        await act("rotate", { overlap_seconds: n % 3 ? 3600 : 0 }),
      ];
      if (n === 5) replies.push(await made.operator(path, { method: "DELETE", tenant: acme.id }));
      replies.push(await act("enable"));
      return replies.map((reply) => reply.status);
    });
    const statuses = new Set((await Promise.all(calls)).flat());
    for (const status of statuses) assert([200, 202, 404, 409].includes(status), `${status}`);
    await until("the peer is gone", async () => {
      return (await made.operator(path, { tenant: acme.id })).status === 404;
    });
    await until("the interface has the bystander alone", async () => {
      const { peers } = await made.daemon.dump();
      return peers.size === 1 && peers.has(bystander.public_key);
    });
    // However late somebody asks: it does not come back.
    assert.equal((await act("enable")).status, 404);
    const [left] = await made.db.owner`select count(*)::int as n from wg_retired_keys`;
    assert.equal(left?.n, 0);
  }
});
