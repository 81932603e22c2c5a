import { connect, type Sql } from "../../db/connection.ts";
import { createSigner } from "../../lib/audit/checkpoint.ts";
import { createLogger } from "../../lib/log.ts";
import { Secret } from "../../lib/secret.ts";
import { type AuditSealer, createAuditSealer } from "../../sealer/audit_sealer.ts";
import { openCheckpointFolder } from "../../sealer/checkpoint_folder.ts";
import { type DatabaseReport, verifyDatabase } from "../../sealer/verify_database.ts";
import { FakeClock } from "./clock.ts";
import type { TestDatabase } from "./database.ts";
import { keepOutput, seedSecret } from "./output.ts";

export const signingKey = new Secret(crypto.getRandomValues(new Uint8Array(32)));
seedSecret(signingKey.reveal().toBase64());
export const signer = await createSigner(signingKey);

/** A sealer of a test database, that does a round when it is told to. */
export interface TestSealer extends AsyncDisposable {
  sealer: AuditSealer;
  sql: Sql;
  clock: FakeClock;
  log: string[];
  /** Rounds until nothing is left. */
  seal(): Promise<void>;
}

/** A folder for checkpoints that outlives the sealers that write to it. */
export async function checkpointFolder(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "massacorp-test-audit-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

export async function testSealer(
  db: TestDatabase,
  path: string,
  options: { retentionMonths?: number; batchSize?: number; clock?: FakeClock } = {},
): Promise<TestSealer> {
  const clock = options.clock ?? new FakeClock();
  const log: string[] = [];
  const folder = await openCheckpointFolder(path, signer.publicKey);
  const sql = connect(db.url("massacorp_sealer"), { max: 1, applicationName: "test-sealer" });
  const sealer = createAuditSealer({
    sql,
    folder,
    path,
    signer,
    clock,
    log: createLogger({ level: "debug", clock, write: (line) => log.push(keepOutput(line)) }),
    retentionMonths: options.retentionMonths ?? null,
    ...(options.batchSize ? { batchSize: options.batchSize } : {}),
  });
  return {
    sealer,
    sql,
    clock,
    log,
    async seal() {
      while (await sealer.round());
    },
    async [Symbol.asyncDispose]() {
      folder.close();
      await sql.end({ timeout: 5 });
    },
  };
}

/** What an operator finds. @param by how far his clock is ahead of the sealing, in milliseconds */
export async function verify(db: TestDatabase, folder: string, by = 0): Promise<DatabaseReport> {
  const sql = connect(db.url("massacorp_sealer"), { max: 1, applicationName: "test-verify" });
  try {
    return await verifyDatabase(sql, {
      folder,
      publicKey: signer.publicKey,
      now: Date.now() + by,
    });
  } finally {
    await sql.end({ timeout: 5 });
  }
}
