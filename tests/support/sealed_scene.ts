import assert from "node:assert/strict";
import { type TestDatabase, testDatabase } from "./database.ts";
import { checkpointFolder, testSealer, verify } from "./sealer.ts";

export interface Scene {
  db: TestDatabase;
  folder: string;
  tenant: number;
}

/** Two tenants with ten sealed and signed entries each, in three checkpoints. */
export async function scene(work: (scene: Scene) => Promise<void>): Promise<void> {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  await db.owner`insert into tenants (slug, name) values ('acme', 'Acme'), ('other', 'Other')`;
  const [acme] = await db.owner<[{ id: number }]>`select id from tenants where slug = 'acme'`;
  {
    await using given = await testSealer(db, folder.path);
    for (const count of [3, 3, 4]) {
      await db.owner`
        insert into audit_log (tenant_id, actor, action, outcome, target_type, target_id, details)
        select t.id, 'operator', 'test.entry', 'succeeded', 'thing', n::text, '{"before": "1", "after": "2"}'
        from tenants t, generate_series(1, ${count}) n`;
      await given.seal();
    }
  }
  assert.equal((await verify(db, folder.path)).intact, true);
  await work({ db, folder: folder.path, tenant: acme.id });
}
