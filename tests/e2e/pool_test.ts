import assert from "node:assert/strict";
import { peerOn, type Stack, stackOn, type StackTenant, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { assertWhole } from "../support/whole.ts";

/** Creates so many at once, half of them for each tenant. @returns those that were made */
async function createAtOnce(
  { operator }: Stack,
  tenants: readonly StackTenant[],
  count: number,
): Promise<{ id: string; tenantId: number; address: string; publicKey: string }[]> {
  const made: { id: string; tenantId: number; address: string; publicKey: string }[] = [];
  const calls = Array.from({ length: count }, async (_, n) => {
    const tenant = tenants[n % tenants.length] ?? assert.fail();
    const { status, body } = await operator("/wireguard/peers", {
      tenant: tenant.id,
      json: { name: `peer ${n}` },
    });
    if (status === 201) {
      const { id, address, public_key: publicKey } = body.peer;
      made.push({ id, tenantId: tenant.id, address, publicKey });
    } else assert.deepEqual([status, body.code], [409, "pool_exhausted"], JSON.stringify(body));
  });
  await Promise.all(calls);
  return made;
}

Deno.test("T5: of 200 creations at once on a pool of 100, through the API and the daemon, exactly 100 succeed, and again once all were given back", async () => {
  const env = { WG_NETWORK: "10.10.0.0/25", WG_ADDRESS_REST: "1s", DATABASE_POOL_TIMEOUT: "60s" };
  await using made = await stackOn({ env });
  const { daemon, db } = made;
  await daemon.start();
  await made.startApi();
  const tenants = [await tenantOn(made, "acme"), await tenantOn(made, "blue")];
  const [acme] = tenants;
  assert.ok(acme);
  const free = async () => {
    const [row] = await db.owner<[{ n: number }]>`
      select count(*)::int as n from wg_ip_pool where free_from <= now()`;
    return row.n;
  };
  const standing: string[] = [];
  for (let n = await free(); n > 100; n--) standing.push((await peerOn(made, acme)).peer.id);

  const first = await createAtOnce(made, tenants, 200);
  assert.equal(first.length, 100);
  assert.equal(new Set(first.map(({ address }) => address)).size, 100);
  const created = [...standing, ...first.map(({ id }) => id)];
  await assertWhole(daemon, { created, audited: true });

  // Given back at once, too, while others ask for what is not there yet.
  const removals = first.map(async ({ id, tenantId, publicKey }) => {
    const { status } = await made.operator(`/wireguard/peers/${id}`, {
      method: "DELETE",
      tenant: tenantId,
    });
    assert.ok(status === 200 || status === 202);
    return publicKey;
  });
  const removed = await Promise.all(removals);
  await assertWhole(daemon, { created: standing, removed, audited: true });
  await until("they have rested", async () => await free() === 100);
  const second = await createAtOnce(made, tenants, 200);
  assert.equal(second.length, 100);
  await assertWhole(daemon, {
    created: [...standing, ...second.map(({ id }) => id)],
    removed,
    audited: true,
  });
});
