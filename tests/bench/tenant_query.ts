import { createPool } from "../../api/database/pool.ts";
import { asTenantId, createTenancy } from "../../api/database/tenancy.ts";
import { connect } from "../../db/connection.ts";
import { testDatabase } from "../support/database.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";
import { alternate, compare, type Result } from "./measure.ts";

const connections = 8;

/**
 * Reads of one row by its key: through the tenant transaction as the API does it, against the plain query over
 * as many connections as a role that row-level security does not hold, and against the driver's own `begin`.
 */
export async function tenantQuery(): Promise<Result[]> {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const tenant = await seedTenant(db.owner, "alpha");
  for (let other = 0; other < 50; other++) await seedTenant(db.owner, `other${other}`);
  await db.owner`analyze`;

  const pool = createPool(db.url("massacorp_api"), {
    applicationName: "bench-tenancy",
    size: connections,
    overflow: 0,
    timeoutMs: 5000,
    recycleSeconds: 3600,
  });
  const tenancy = createTenancy(pool);
  const id = asTenantId(tenant.id);
  const options = { max: connections, applicationName: "bench-reference" };
  const plain = connect(db.url("massacorp_owner"), options);
  const driver = connect(db.url("massacorp_api"), options);
  const works = {
    tenant: () =>
      tenancy.query(
        id,
        (sql) => sql`select id, email, name, status from users where id = ${tenant.userId}`,
      ),
    plain: () =>
      plain`select id, email, name, status from users
        where tenant_id = ${tenant.id} and id = ${tenant.userId}`,
    begin: () =>
      driver.begin(async (sql) => {
        await sql`select set_config('app.tenant_id', ${String(tenant.id)}, true)`;
        return await sql`select id, email, name, status from users where id = ${tenant.userId}`;
      }),
  };
  try {
    for (const [name, work] of Object.entries(works)) {
      const { length } = await work();
      if (length !== 1) throw new Error(`${name} read ${length} rows instead of one`);
    }
    const results: Result[] = [];
    for (const inFlight of [1, connections]) {
      const rates = await alternate(works, { rounds: 5, inFlight, ms: 250 });
      const measured = { unit: "reads/s", value: rates.tenant };
      const where = `${inFlight} in flight`;
      results.push(
        compare({
          name: `tenant query against the plain query, ${where}`,
          ...measured,
          reference: rates.plain,
          bar: { least: 0.5 },
        }),
        compare({
          name: `tenant query against sql.begin, ${where}`,
          ...measured,
          reference: rates.begin,
        }),
      );
    }
    return results;
  } finally {
    await Promise.all([pool.end(), plain.end({ timeout: 5 }), driver.end({ timeout: 5 })]);
  }
}
