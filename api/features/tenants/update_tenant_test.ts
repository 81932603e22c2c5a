import assert from "node:assert/strict";
import { adminOf, loopback, testApi } from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

Deno.test("update tenant: the operator sets a quota and takes it back, and the record has both", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const patch = (peer_quota: unknown) =>
    api.request(`/api/v1/tenants/${acme.tenantId}`, { method: "PATCH", body: { peer_quota } });
  const create = () =>
    api.request("/api/v1/wireguard/peers", {
      via: loopback,
      token: acme.token,
      body: { name: "peer" },
    });
  const set = await patch(1);
  assert.equal(set.status, 200, set.text);
  assert.deepEqual([set.body.slug, set.body.peer_quota], ["acme", 1]);
  assert.equal((await create()).status, 201);
  assert.equal((await create()).body.code, "quota_exceeded");
  assert.equal((await patch(null)).body.peer_quota, null);
  assert.equal((await create()).status, 201);
  const entries = await api.db.owner`
    select details->'peer_quota'->>'after' as after from audit_log
    where action = 'tenant.update' and tenant_id = ${acme.tenantId} order by id`;
  assert.deepEqual(entries.map(({ after }) => after), ["1", "null"]);
});

Deno.test("update tenant: bad values and unknown tenants change nothing", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const before = await databaseDigest(api.db);
  for (const peer_quota of [-1, 1.5, "5", 2 ** 20 + 1]) {
    const reply = await api.request(`/api/v1/tenants/${acme.tenantId}`, {
      method: "PATCH",
      body: { peer_quota },
    });
    assert.equal(reply.body.errors?.[0].path, "peer_quota", reply.text);
  }
  for (const id of [4711, 0, "acme", 2 ** 31, "1e3"]) {
    const reply = await api.request(`/api/v1/tenants/${id}`, {
      method: "PATCH",
      body: { peer_quota: 1 },
    });
    assert.equal(reply.status, 404, reply.text);
  }
  assert.deepEqual(await databaseDigest(api.db), before);
});
