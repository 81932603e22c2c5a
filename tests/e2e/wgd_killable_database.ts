import { startTestCluster } from "../support/cluster.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";

/** A database on a PostgreSQL of the test's own, which can be killed and started again. */
export interface KillableDatabase extends AsyncDisposable {
  db: TestDatabase;
  kill(): Promise<void>;
  start(): Promise<void>;
}

export async function killableDatabase(): Promise<KillableDatabase> {
  const cluster = await startTestCluster({ durable: true });
  const db = await testDatabase({ on: cluster });
  return {
    db,
    kill: () => cluster.kill(),
    start: () => cluster.up(),
    async [Symbol.asyncDispose]() {
      await db[Symbol.asyncDispose]();
      await cluster.stop();
    },
  };
}
