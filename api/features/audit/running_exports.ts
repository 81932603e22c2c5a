import type { Clock } from "../../../lib/clock.ts";
import type { TenantId } from "../../database/tenancy.ts";
import { ApiError } from "../../errors.ts";

/** Exports of one tenant that one process sends at a time. */
export const exportsAtOnce = 2;

/** How long one may have been left unread before it gives way to another. */
export const stalledMs = 60_000;

/** An export's place among those of its tenant. */
export interface Place {
  /** Its client took something. @throws where it had to give way */
  taken(): void;
  leave(): void;
}

/**
 * The exports under way, tenant by tenant: each holds a batch of entries for as long as its client likes. One whose
 * client went away without a word gives way to the next, so that nobody is kept out by connections he lost.
 */
export function createRunningExports({ clock }: { clock: Clock }) {
  const running = new Map<TenantId, Set<{ takenAt: number }>>();

  return {
    /** @throws {ApiError} `rate_limited` */
    begin(tenantId: TenantId): Place {
      const now = clock.now();
      const all = running.get(tenantId) ?? new Set();
      if (all.size >= exportsAtOnce) {
        const stalled = [...all].find(({ takenAt }) => now - takenAt >= stalledMs);
        if (!stalled) {
          throw new ApiError("rate_limited", {
            detail: `${exportsAtOnce} exports of the tenant are under way`,
            retryAfter: 10,
          });
        }
        all.delete(stalled);
      }
      const own = { takenAt: now };
      running.set(tenantId, all.add(own));
      return {
        taken() {
          if (!all.has(own)) throw new Error("an export that nobody read gave way to another");
          own.takenAt = clock.now();
        },
        leave() {
          all.delete(own);
          if (all.size === 0 && running.get(tenantId) === all) running.delete(tenantId);
        },
      };
    },
  };
}
