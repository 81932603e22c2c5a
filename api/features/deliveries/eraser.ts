import type { Clock } from "../../../lib/clock.ts";
import { errorFields, type Logger } from "../../../lib/log.ts";
import { createRounds, type Rounds } from "../../../lib/rounds.ts";
import { isConnectionError } from "../../database/errors.ts";
import type { Lookups } from "../../database/lookups.ts";
import type { Tenancy } from "../../database/tenancy.ts";
import { eraseExpired } from "./store.ts";

/** Takes files that nobody fetched in time out of the database: each has a private key in it. */
export interface DeliveryEraser extends Rounds {
  /** Erases what has expired by now. @returns how many files */
  erase(): Promise<number>;
}

export interface DeliveryEraserOptions {
  tenancy: Tenancy;
  lookups: Pick<Lookups, "expiredDeliveries">;
  clock: Clock;
  log: Logger;
  everyMs?: number;
}

/** Of tenants in a round; those that are left have their turn in the next. */
const batch = 1_000;

export function createDeliveryEraser(options: DeliveryEraserOptions): DeliveryEraser {
  const { tenancy, lookups, clock, log, everyMs = 30_000 } = options;
  function fail(error: unknown): void {
    // Requests say so too, in greater numbers.
    if (isConnectionError(error)) return;
    log.error("files that nobody fetched are not erased", errorFields(error));
  }

  async function erase(): Promise<number> {
    const at = new Date(clock.now());
    let erased = 0;
    for (const tenantId of await lookups.expiredDeliveries({ at, most: batch })) {
      try {
        erased += (await tenancy.query(tenantId, (sql) => eraseExpired(sql, at))).count;
      } catch (error) {
        // One tenant's rows that are locked keep no other's here.
        fail(error);
      }
    }
    if (erased > 0) log.info("files that nobody fetched were erased", { files: erased });
    return erased;
  }

  return { erase, ...createRounds(() => erase().catch(fail), everyMs) };
}
