import type { Sql } from "../db/connection.ts";
import { type Head, leavesNotFound, newestReceipt, readChain, readHeads } from "./store.ts";
import { genesis, verifyChain } from "../lib/audit/chain.ts";
import type { CheckpointFolder } from "./checkpoint_folder.ts";

/** What the database and the checkpoints say together, at the start. */
export interface Agreement {
  /** Why nothing may be signed any more, in words for an operator; null when all is well. */
  distrust: string | null;
  /** Where each chain ends. */
  heads: Map<number, Head>;
}

/**
 * Compares the database with the checkpoints, before more is signed: a database that lost or changed what was
 * signed must not get a new signature over it. What was sealed after the last checkpoint is recomputed.
 *
 * @param afresh an operator wants to begin anew, whatever there was
 */
export async function compare(
  sql: Sql,
  folder: CheckpointFolder,
  { afresh }: { afresh: boolean },
): Promise<Agreement> {
  const heads = await readHeads(sql);
  const distrust = afresh ? null : await findDisagreement(sql, folder, heads);
  return { distrust, heads };
}

async function findDisagreement(
  sql: Sql,
  folder: CheckpointFolder,
  heads: ReadonlyMap<number, Head>,
): Promise<string | null> {
  const receipt = await newestReceipt(sql);
  const newest = folder.last?.n ?? 0;
  if (receipt > newest) {
    return `the database has a copy of checkpoint ${receipt}, and the newest in the folder is ${newest}`;
  }
  const lost = await leavesNotFound(sql, [...folder.leaves.values()]);
  if (lost.length > 0) {
    return `the database has not what was signed for ${tenants(lost)}`;
  }
  const broken: number[] = [];
  for (const head of heads.values()) {
    const leaf = folder.leaves.get(head.tenant_id);
    if (leaf?.seq === head.seq && leaf.hash === head.hash) continue;
    const from = { seq: leaf?.seq ?? 0, hash: leaf?.hash ?? genesis };
    const { fault_count } = await verifyChain(
      head.tenant_id,
      readChain(sql, { tenantId: head.tenant_id, after: from.seq }),
      {
        anchor: { ...from, floor_seq: from.seq, floor_hash: from.hash, cut: leaf?.cut ?? null },
        places: [head],
      },
    );
    if (fault_count > 0) broken.push(head.tenant_id);
  }
  const gone = [...folder.leaves.keys()].filter((tenant) => !heads.has(tenant));
  if (broken.length + gone.length === 0) return null;
  return `what was sealed last does not hold for ${tenants([...broken, ...gone])}`;
}

const tenants = (ids: readonly number[]): string =>
  `${ids.length === 1 ? "tenant" : "tenants"} ${ids.slice(0, 20).join(", ")}${
    ids.length > 20 ? ` and ${ids.length - 20} more` : ""
  }`;
