import type { Sql } from "../db/connection.ts";
import { type ChainReport, verifyChain } from "../lib/audit/chain.ts";
import type { Leaf } from "../lib/audit/checkpoint.ts";
import { selectUnsealed } from "../lib/audit/store.ts";
import { type CheckpointHistory, readHistory } from "./checkpoint_folder.ts";
import { type Head, newestReceipt, readChain, readHeads } from "./store.ts";

/** Whether the database holds what was signed. */
export interface DatabaseReport {
  intact: boolean;
  checkpoints: Omit<CheckpointHistory, "leaves">;
  /** Each chain; an intact one has no faults. */
  tenants: ({ tenant_id: number } & ChainReport)[];
  /** Entries older than a minute that have no seal: the sealer does not run, or somebody put them there. */
  unsealed: number;
  /** Checkpoints that the database has a copy of and a copy of the folder has not yet. */
  behind: number;
  /** Tenants whose chain went on for more than a minute without a checkpoint. */
  unsigned: number[];
}

const graceMs = 60_000;

/**
 * Recomputes every chain, and holds it against the checkpoints outside the database.
 *
 * @param sql as a role that reads the log of all tenants, such as the sealer's
 * @param options.isCopy the folder may lack the newest checkpoints; without it, that is a fault
 * @param options.publicKey 32 bytes in base64; from a place that whoever has the database cannot write
 */
export async function verifyDatabase(
  sql: Sql,
  options: { folder: string; publicKey: string; now: number; isCopy?: boolean },
): Promise<DatabaseReport> {
  // In this order: what comes later is at least as far as what came before.
  const receipt = await newestReceipt(sql);
  const { leaves, ...checkpoints } = await readHistory(options.folder, options.publicKey);
  const behind = Math.max(0, receipt - checkpoints.last);
  if (behind > 0 && !options.isCopy) {
    checkpoints.faults.push(
      `the database has a copy of checkpoint ${receipt}, and the newest here is ${checkpoints.last}`,
    );
  }
  const heads = await readHeads(sql);
  const tenants: DatabaseReport["tenants"] = [];
  for (const tenant_id of [...new Set([...heads.keys(), ...leaves.keys()])].sort((a, b) => a - b)) {
    const report = await verifyTenant(sql, tenant_id, leaves.get(tenant_id), heads.get(tenant_id));
    tenants.push({ tenant_id, ...report });
  }
  const unsigned = options.isCopy
    ? []
    : [...heads.values()].filter((head) =>
      leaves.get(head.tenant_id)?.seq !== head.seq &&
      options.now - Date.parse(head.sealed_at) > graceMs
    ).map((head) => head.tenant_id);
  const [{ n: unsealed }] = await selectUnsealed(sql, { olderThan: graceMs / 1000 });
  const intact = checkpoints.faults.length === 0 && unsealed === 0 && unsigned.length === 0 &&
    tenants.every((tenant) => tenant.fault_count === 0);
  return { intact, checkpoints, tenants, unsealed, behind, unsigned };
}

async function verifyTenant(
  sql: Sql,
  tenantId: number,
  leaf: Leaf | undefined,
  head: Head | undefined,
): Promise<ChainReport> {
  const links = readChain(sql, { tenantId, after: leaf?.floor_seq ?? 0 });
  return await verifyChain(tenantId, links, {
    anchor: leaf ?? null,
    places: head ? [head] : [],
  });
}
