import assert from "node:assert/strict";
import { testDatabase } from "../support/database.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";
import { tenantTables } from "./catalog.ts";
import { attempt } from "./persona.ts";

Deno.test("erase_tenant: N2: whatever tables there are, it empties them of one suspended tenant and of no other", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const a = await seedTenant(db.owner, "alpha");
  const b = await seedTenant(db.owner, "beta");
  const tables = (await tenantTables(db.owner)).filter((table) => table.owner === "tenant_id");
  const counts = async (tenant: number) => {
    const entries = [];
    for (const { name } of tables) {
      const rows = await db.owner.unsafe(`select from ${name} where tenant_id = ${tenant}`);
      entries.push([name, rows.length] as const);
    }
    return entries;
  };
  const platform = { role: "massacorp_platform" as const };
  const [own] = await db.owner<[{ id: number }]>`
    insert into tenants (slug, name, is_platform) values ('platform', 'Platform', true) returning id`;
  const erase = (id: number) =>
    attempt(db, platform, `select erase_tenant(${id}) as erased`, () => counts(id));
  const active = await erase(a.id);
  assert.equal(active.refused?.constraint, "tenants_are_suspended_before");
  assert.equal((await erase(own.id)).refused?.constraint, "tenants_are_suspended_before");
  const nobody = await erase(4711);
  assert.equal(nobody.refused?.constraint, "tenants_are_suspended_before");

  await db.owner`update tenants set status = 'suspended' where id = ${a.id}`;
  const before = await counts(a.id);
  assert(before.every(([, n]) => n > 0), "there is a row in every table to be erased");
  const retired = await db.owner`delete from wg_retired_keys where tenant_id = ${a.id} returning *`;
  const held = await erase(a.id);
  assert.equal(held.rows[0]?.erased, false, "while a key may be on the interface");
  await db.owner`insert into wg_retired_keys ${db.owner([...retired])}`;
  for (const role of ["massacorp_api", "massacorp_wgd", "massacorp_sealer"] as const) {
    const refused = await attempt(
      db,
      { role, tenant: a.id },
      `select erase_tenant(${a.id})`,
      () => Promise.resolve(),
    );
    assert.equal(refused.refused?.code, "42501", role);
  }

  await db.owner`update wg_peers set deleted_at = now() where tenant_id = ${a.id}`;
  await db.owner`delete from wg_policy_services where tenant_id = ${a.id}`;
  await db.owner`delete from wg_peers where tenant_id = ${a.id}`;
  assert.equal((await erase(a.id)).rows[0]?.erased, false, "a retired key may be, too");
  await db.owner`delete from wg_retired_keys where tenant_id = ${a.id}`;
  const theirs = await counts(b.id);
  const [erased] = await db.owner`select erase_tenant(${a.id}) as erased`;
  assert.equal(erased?.erased, true);
  const kept = (await counts(a.id)).filter(([, n]) => n > 0).map(([name]) => name);
  assert.deepEqual(kept, ["audit_chains", "audit_log", "audit_seals"]);
  assert.deepEqual(await counts(b.id), theirs);
  const [row] = await db.owner`select slug, name, status from tenants where id = ${a.id}`;
  assert.deepEqual({ ...row }, { slug: null, name: "-", status: "deleted" });
});
