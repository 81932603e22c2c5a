import assert from "node:assert/strict";
import { asTenantId } from "../../database/tenancy.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import {
  adminOf,
  loopback,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { purgeTombstones } from "../../../tests/support/database.ts";
import { newPeer } from "../../../tests/support/new_peer.ts";
import { until } from "../../../tests/support/until.ts";
import { insertPeer } from "./store.ts";

const own = "/api/v1/wireguard/me/peers";
const all = "/api/v1/wireguard/peers";

const create = (api: TestApi, who: Persona, path = all) =>
  api.request(path, { via: loopback, token: who.token, body: { name: "peer" } });

/** Makes and removes a peer, as far as the daemon goes with it. */
async function churn(api: TestApi, who: Persona, path: string): Promise<number> {
  const made = await create(api, who, path);
  if (made.status === 201) {
    const { id } = made.body.peer;
    await api.request(`${path}/${id}`, { method: "DELETE", via: loopback, token: who.token });
    await purgeTombstones(api.db);
  }
  return made.status;
}

Deno.test("quota: N3: whoever makes and removes peers gets no more of the pool, and takes none from another tenant", async () => {
  await using api = await testApi({ network: "10.10.0.0/27" });
  const evil = await adminOf(api, "evil");
  const bob = await userOf(api, evil, { email: "bob@evil.example" });
  const acme = await adminOf(api, "acme");
  const statuses = [];
  for (let n = 0; n < 8; n++) statuses.push(await churn(api, bob, own));
  assert.deepEqual(statuses, [201, 201, 201, 201, 201, 409, 409, 409], "the user's five rest");
  while (await churn(api, evil, all) === 201);
  const last = await create(api, evil);
  assert.equal(last.body.code, "quota_exceeded");
  const eve = await userOf(api, evil, { email: "eve@evil.example" });
  const hers = await create(api, eve, own);
  assert.deepEqual([hers.body.code, hers.body.detail], ["quota_exceeded", hers.body.title]);
  assert.match(last.body.detail, /^the tenant may have 12 peers, 0 are there; 12 more addresses/);
  const [pool] = await api.db.owner`
    select count(*)::int as free from wg_ip_pool where free_from <= now()`;
  assert.equal(pool?.free, 12, "half of 24 are left for the others");
  for (let n = 0; n < 12; n++) assert.equal((await create(api, acme)).status, 201);
});

Deno.test("quota: T5: an address counts as held until it may be given out again, and is forgotten then", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set peer_quota = 1`;
  assert.equal(await churn(api, acme, all), 201);
  assert.equal(await churn(api, acme, all), 409);
  const [row] = await api.db.owner`
    select r.until = p.free_from as same from wg_resting_addresses r
    join wg_ip_pool p using (interface_id, address)`;
  assert.equal(row?.same, true);
  await api.db.owner`update wg_resting_addresses set until = now() - interval '1 s'`;
  await api.db.owner`update wg_ip_pool set free_from = now() where free_from > now()`;
  assert.equal(await churn(api, acme, all), 201);
  assert.equal((await api.db.owner`select from wg_resting_addresses`).length, 1);
});

Deno.test("quota: fifty at once beside fifty removals leave the tenant no more than it may hold", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set peer_quota = 10`;
  const turns = Array.from({ length: 50 }, async (_, n) => {
    const path = n % 2 ? all : own;
    const made = await create(api, acme, path);
    if (made.status !== 201) return made.body.code;
    await api.request(`${path}/${made.body.peer.id}`, {
      method: "DELETE",
      via: loopback,
      token: acme.token,
    });
    await purgeTombstones(api.db);
  });
  const refused = (await Promise.all(turns)).filter((code) => code !== undefined);
  assert.deepEqual([...new Set(refused)], ["quota_exceeded"]);
  const [row] = await api.db.owner`
    select (select count(*) from wg_peers)::int + (select count(*) from wg_resting_addresses)::int as held,
      (select count(*) from wg_ip_pool where free_from is null or free_from > now())::int as gone`;
  assert.deepEqual({ ...row }, { held: 10, gone: 10 });
});

Deno.test("wg_peers: the database refuses the commit that would break the quota, whoever writes", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set peer_quota = 2`;
  const pids: number[] = [];
  const insertTwo = (beforeCommit: () => Promise<unknown>) =>
    api.deps.tenancy.transaction(asTenantId(acme.tenantId), async (sql) => {
      const [row] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`;
      pids.push(row?.pid ?? 0);
      for (let n = 0; n < 2; n++) {
        const { publicKey } = await generateKeyPair();
        await insertPeer(sql, newPeer({ tenantId: acme.tenantId, publicKey }));
      }
      // What the commit would do first.
      await sql`set constraints all immediate`;
      await beforeCommit();
    });
  let second = Promise.resolve();
  await insertTwo(() => {
    second = insertTwo(() => Promise.resolve());
    // It may be refused before the first hears that it was committed.
    second.catch(() => {});
    // Nobody has seen what the first has not committed yet; so the second has to wait for it.
    return until("the second waits", async () => {
      const rows = await api.db.superuser`
        select from pg_stat_activity where pid = any(${pids}) and wait_event = 'advisory'`;
      return rows.length === 1;
    });
  });
  await assert.rejects(second, { constraint_name: "wg_peers_fit_the_quota" });
  assert.equal((await api.db.owner`select from wg_peers`).length, 2);
});
