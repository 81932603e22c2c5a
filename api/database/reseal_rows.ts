import { SealError } from "../../lib/seal.ts";
import type { Tenancy, TenantId, TenantSql } from "./tenancy.ts";

export interface Resealed {
  count: number;
  unreadable: number;
}

export interface ResealedRows<Row> {
  tenantId: TenantId;
  /** Rows in one transaction: few, because who changes them waits. */
  atOnce: number;
  /** The next rows under another key than the newest, in the order of their ids and locked; the first ones after undefined. */
  lock(sql: TenantSql, page: { after: Row | undefined; limit: number }): Promise<Row[]>;
  /** @throws {SealError} where no key opens it */
  reseal(sql: TenantSql, row: Row): Promise<unknown>;
  /** In the transaction that sealed so many anew. */
  note?(sql: TenantSql, count: number): Promise<void>;
}

/**
 * Seals a tenant's rows of one kind anew, one transaction after another: what was sealed stays so, and asked again after
 * it was cut off, it goes on. What does not open is counted and passed over: it keeps nobody else's from being sealed.
 */
export async function resealRows<Row>(
  { tenancy }: { tenancy: Tenancy },
  { tenantId, atOnce, lock, reseal, note }: ResealedRows<Row>,
): Promise<Resealed> {
  const sum = { count: 0, unreadable: 0 };
  let after: Row | undefined;
  do {
    const page = { after, limit: atOnce };
    const { rows, unreadable } = await tenancy.transaction(tenantId, async (sql) => {
      const rows = await lock(sql, page);
      let unreadable = 0;
      for (const row of rows) {
        try {
          await reseal(sql, row);
        } catch (error) {
          if (!(error instanceof SealError)) throw error;
          unreadable++;
        }
      }
      if (note && rows.length > unreadable) await note(sql, rows.length - unreadable);
      return { rows, unreadable };
    });
    sum.count += rows.length - unreadable;
    sum.unreadable += unreadable;
    after = rows.length < atOnce ? undefined : rows.at(-1);
  } while (after !== undefined);
  return sum;
}
