import assert from "node:assert/strict";
import { adminOf, as, testApi } from "../../../tests/support/api.ts";
import { checkpointFolder, testSealer } from "../../../tests/support/sealer.ts";

const base = "/api/v1/audit";

Deno.test("verify: D1: a tenant sees its own chain hold, and what was done to it; never another's", async () => {
  await using api = await testApi();
  await using folder = await checkpointFolder();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const empty = (await api.request(`${base}/verify`, as(acme))).body;
  assert.deepEqual([empty.intact, empty.links, empty.checkpoint], [true, 0, null]);
  await using sealer = await testSealer(api.db, folder.path);
  await sealer.seal();
  const good = (await api.request(`${base}/verify`, as(acme))).body;
  assert.deepEqual([good.intact, good.fault_count, good.checkpoint.holds], [true, 0, true]);
  assert.equal(good.links, good.end.seq);
  const { items } = (await api.request(base, as(acme))).body;
  assert.deepEqual(items[0].seal, good.end);

  await api.db.owner`
    update audit_log set outcome = 'refused' where tenant_id = ${acme.tenantId} and action = 'tenant.create'`;
  const altered = (await api.request(`${base}/verify`, as(acme))).body;
  assert.deepEqual([altered.intact, altered.faults[0].kind, altered.faults[0].seq], [
    false,
    "altered",
    1,
  ]);
  assert(api.log.some((line) => JSON.parse(line).level === "critical"));
  assert.equal((await api.request(`${base}/verify`, as(other))).body.intact, true);

  const forged = { ...good.checkpoint.receipt, leaf: { ...good.checkpoint.receipt.leaf, seq: 1 } };
  // Its own leaf, as it is, with a statement that nobody signed.
  const theirs = (await api.request(`${base}/verify`, as(other))).body.checkpoint.receipt;
  const unsigned = { ...theirs, statement: { ...theirs.statement, n: 99 } };
  for (const receipt of [unsigned, forged, {}, { leaf: null }]) {
    await api.db.owner`
      update audit_chains set receipt = ${
      api.db.owner.json(receipt)
    } where tenant_id = ${other.tenantId}`;
    const reply = await api.request(`${base}/verify`, as(other));
    assert.deepEqual([reply.status, reply.body.intact], [200, false], reply.text);
  }
});

Deno.test("verify: many at once are one verification, and each gets its answer", async () => {
  await using api = await testApi();
  await using folder = await checkpointFolder();
  const acme = await adminOf(api, "acme");
  await using sealer = await testSealer(api.db, folder.path);
  await sealer.seal();
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => api.request(`${base}/verify`, as(acme))),
  );
  assert.deepEqual(new Set(replies.map((reply) => reply.body.intact)), new Set([true]));
});
