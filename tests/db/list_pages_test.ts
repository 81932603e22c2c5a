import assert from "node:assert/strict";
import { createPool } from "../../api/database/pool.ts";
import { asTenantId, createTenancy, type TenantSql } from "../../api/database/tenancy.ts";
import { listPeers, peerOrders } from "../../api/features/peers/view_store.ts";
import { listUsers, userOrders } from "../../api/features/users/store.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { seedPeers } from "../support/peer_rows.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";

const limit = 20;
const now = new Date();

Deno.test("lists: a page reads its own rows alone, whatever its order, wherever in a large tenant it begins", async (t) => {
  await using db = await testDatabase();
  await seedInterface(db.owner, "10.10.0.0/18");
  const { id, userId } = await seedTenant(db.owner, "alpha");
  await t.step("users", async () => {
    await db.owner`
      insert into users (tenant_id, email, name, password_hash)
      select ${id}, md5(n::text) || '@alpha.example', md5('name' || n), '$argon2id$'
      from generate_series(1, 3000) n`;
    await db.superuser`vacuum analyze users`;
    const filters = { status: null, role: null, verified: null, text: null };
    for (const order of userOrders) {
      for (const after of [null, { id: 1500, text: "8" }]) {
        const read = await rowsRead(db, "users", {
          tenant: id,
          list: (sql) => listUsers(sql, { filters, order, after, limit, now }),
        });
        assert.ok(read <= 2 * limit, `${order}, after ${after?.text ?? "nobody"}: ${read} rows`);
      }
    }
  });
  await t.step("peers", async () => {
    const names = Array.from({ length: 1000 }, () => crypto.randomUUID());
    for (const seed of [1, 2, 3]) {
      await seedPeers(db.owner, {
        ...{ tenantId: id, userIds: [userId], count: names.length, seed, now: now.getTime() },
        names,
      });
    }
    await db.superuser`vacuum analyze wg_peers`;
    const filters = { owner: null, online: null, status: null, kind: null, text: null };
    const middle = { id: "0198f3a1-07d0-7000-8000-000000000000", name: "8" };
    for (const order of peerOrders) {
      for (const after of [null, middle]) {
        const read = await rowsRead(db, "wg_peers", {
          tenant: id,
          list: (sql) => listPeers(sql, { filters, order, after, limit, now }),
        });
        assert.ok(read <= 2 * limit, `${order}, after ${after?.name ?? "none"}: ${read} rows`);
      }
    }
  });
});

/** Rows of a table that a list of `limit` goes through, by what PostgreSQL counts of the transaction. */
async function rowsRead(
  db: TestDatabase,
  table: string,
  { tenant, list }: { tenant: number; list: (sql: TenantSql) => PromiseLike<readonly unknown[]> },
): Promise<number> {
  const pool = createPool(db.url("massacorp_api"), {
    applicationName: "test",
    size: 1,
    overflow: 0,
    timeoutMs: 30_000,
    recycleSeconds: 3600,
  });
  await using _pool = { [Symbol.asyncDispose]: () => pool.end() };
  return await createTenancy(pool).transaction(asTenantId(tenant), async (sql) => {
    assert.equal((await list(sql)).length, limit);
    const [row] = await sql<[{ read: number }]>`
      select (seq_tup_read + idx_tup_fetch)::integer as read from pg_stat_xact_user_tables
      where relname = ${table}`;
    assert.ok(row.read >= limit);
    return row.read;
  });
}
