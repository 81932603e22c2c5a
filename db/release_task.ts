import { version } from "../lib/version.ts";
import { clusterVariable, startTestCluster } from "../tests/support/cluster.ts";
import { testDatabase } from "../tests/support/database.ts";
import { seedEverything } from "../tests/support/seed.ts";
import { readMigrations } from "./migrate.ts";
import { readRows, type Release, tablesOf, writeRelease } from "./release.ts";

/** `deno task db:release`: what upgrades from this version are tested with from now on. Run once, by who releases. */
if (import.meta.main) {
  const cluster = await startTestCluster();
  Deno.env.set(clusterVariable, cluster.socketFolder);
  try {
    await using db = await testDatabase();
    await seedEverything(db.owner);
    const rows: Release["rows"] = {};
    for (const table of await tablesOf(db.owner)) rows[table] = await readRows(db.owner, table);
    const migrations = (await readMigrations()).map(({ id, checksum }) => ({ id, checksum }));
    await writeRelease({ version, migrations, rows });
  } finally {
    await cluster.stop();
  }
}
