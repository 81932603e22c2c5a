import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { createRounds, type Rounds } from "../../lib/rounds.ts";
import { isConnectionError } from "../database/errors.ts";
import { everyTenant } from "../database/every_tenant.ts";
import type { Platform, Tenancy, TenantId } from "../database/tenancy.ts";
import { forgetEnded, forgetSessions, mostAtOnce } from "./store.ts";

/** Forgets what has ended and nobody needs, though nobody comes back to its place either. */
export interface Retention extends Rounds {
  /** One round over all tenants. @returns how many rows went */
  forget(): Promise<number>;
}

export function createRetention(
  { tenancy, platform, clock, log, everyMs = 3_600_000 }: {
    tenancy: Tenancy;
    platform: Platform;
    clock: Clock;
    log: Logger;
    everyMs?: number;
  },
): Retention {
  function fail(error: unknown): void {
    // Requests say so too, in greater numbers.
    if (isConnectionError(error)) return;
    log.error("what has ended is not forgotten", errorFields(error));
  }

  async function forgetOf(tenantId: TenantId): Promise<number> {
    const now = clock.now();
    let forgotten = 0;
    let sessions: number;
    do {
      sessions = await tenancy.transaction(tenantId, (sql) => forgetSessions(sql, now));
      forgotten += sessions;
    } while (sessions === mostAtOnce);
    return forgotten + await tenancy.transaction(tenantId, (sql) => forgetEnded(sql, now));
  }

  async function forget(): Promise<number> {
    let rows = 0;
    for (const { id } of await everyTenant(platform)) {
      try {
        rows += await forgetOf(id);
      } catch (error) {
        // What does not go in one tenant keeps no other's.
        fail(error);
      }
    }
    if (rows > 0) log.info("what has ended was forgotten", { rows });
    return rows;
  }

  return { forget, ...createRounds(() => forget().catch(fail), everyMs) };
}
