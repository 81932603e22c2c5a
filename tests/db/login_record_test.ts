import assert from "node:assert/strict";
import { createPool } from "../../api/database/pool.ts";
import { asTenantId, createTenancy } from "../../api/database/tenancy.ts";
import { insertPeer } from "../../api/features/peers/store.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../support/database.ts";
import { newPeer } from "../support/new_peer.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";

const source = "loopback";
const since = "now() - interval '15 minutes'";

Deno.test("login: what is read of the record costs the same however often an account logged in, and however often others did", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const { id, slug } = await seedTenant(db.owner, "alpha");
  const record = (who: string, outcomes: string, times: number) =>
    db.owner.unsafe(`
      insert into login_attempts (tenant_id, identifier_digest, source, outcome, at)
      select ${id}, sha256('${who}'), '${source}', (array[${outcomes}])[1 + n % cardinality(array[${outcomes}])], now()
      from generate_series(1, ${times}) n`);
  /**
   * Pages touched by a call of a connection that has its plans by then, of three the fewest: what is done to the server
   * elsewhere makes it look catalogs up again, and never spares it any.
   */
  const pages = async (who: string) => {
    const sql = await db.superuser.reserve();
    try {
      await sql`begin`;
      await sql`set local role massacorp_api`;
      await sql`set local plan_cache_mode = force_generic_plan`;
      await sql`select set_config('app.tenant_id', ${String(id)}, true)`;
      const read = [];
      for (
        const call of [
          `login_facts(${id}, 'somebody@${slug}.example', sha256('${who}'), '${source}', ${since})`,
          `login_alarm(${id}, sha256('${who}'), ${since}, 10)`,
          `login_failures(${id}, sha256('${who}'), '${source}', ${since})`,
        ]
      ) {
        for (let warm = 0; warm < 2; warm++) await sql.unsafe(`select from ${call}`);
        const tries: number[] = [];
        while (tries.length < 3) {
          const [row] = await sql.unsafe(
            `explain (analyze, buffers, format json) select * from ${call}`,
          );
          const plan = row?.["QUERY PLAN"][0].Plan;
          tries.push(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]);
        }
        read.push(Math.min(...tries));
      }
      return read;
    } finally {
      await sql`rollback`;
      sql.release();
    }
  };
  const bounded = async (who: string, most: number, what: string) => {
    for (const read of await pages(who)) {
      assert(read > 0 && read <= most, `${what}: ${read} pages`);
    }
  };
  await record("busy", "'succeeded'", 20);
  await bounded("busy", 30, "few log-ins");
  await record("busy", "'succeeded'", 20_000);
  await bounded("busy", 30, "many log-ins");
  // The planner now knows one account alone, and takes every row for its.
  await db.owner`analyze login_attempts`;
  await bounded("busy", 30, "many log-ins, analyzed");
  await bounded("somebody else", 30, "many log-ins of another one, analyzed");
  // Failures between them, and attempts while locked, which no count looks at.
  await record("busy", "'failed', 'succeeded', 'locked'", 3_000);
  await db.owner`analyze login_attempts`;
  await bounded("busy", 60, "failures between");
  await record("guessed", "'failed'", 20_000);
  await db.owner`analyze login_attempts`;
  await bounded("guessed", 60, "failures alone");
  await bounded("somebody else", 30, "failures of another one");
});

Deno.test("login_record: N2: a log-in under way in the tenant of a gateway's number holds up nobody's new peer there", async () => {
  await using db = await testDatabase({ lockTimeout: null });
  await seedInterface(db.owner);
  const [first, second] = [
    await seedTenant(db.owner, "alpha"),
    await seedTenant(db.owner, "beta"),
  ];
  assert.equal(first.id, 1, "the number of the gateway, too");
  const pool = createPool(db.url("massacorp_api"), {
    applicationName: "login-record-test",
    size: 2,
    overflow: 0,
    timeoutMs: 5000,
    recycleSeconds: 3600,
  });
  const tenancy = createTenancy(pool);
  const { publicKey } = await generateKeyPair();
  try {
    await tenancy.transaction(asTenantId(first.id), async (sql) => {
      await sql`select login_record(${first.id}, sha256('who'), ${source}, 'failed', now())`;
      const address = await tenancy.transaction(
        asTenantId(second.id),
        (sql) => insertPeer(sql, newPeer({ tenantId: second.id, publicKey })),
      );
      assert.notEqual(address, undefined);
    });
  } finally {
    await pool.end();
  }
});
