import type { Sql } from "../../db/connection.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { type Database, DatabaseError } from "../database.ts";
import { type Forwarding, isSameForwarding } from "../interface/ip.ts";
import type { Openings } from "../interface/nft_openings.ts";
import type { ObservedInterface } from "../observed.ts";
import type { DesiredTable } from "../desired/table.ts";
import { resolve, type Resolved } from "./openings.ts";
import {
  type OutcomeChange,
  readPolicies,
  readPolicyDigest,
  type TenantPolicy,
  writeOutcomes,
} from "./store.ts";

/** What tenants opened for their peers, as last read. */
export interface Policies {
  /** Reads them, where they are not the same as before. */
  read(sql: Sql): Promise<void>;
  /**
   * What the rules must let through with the interface as it is; the same object as long as nothing changed.
   * Before the first read nobody's policy is known, and nothing is open.
   */
  openings(observed: ObservedInterface, forwards: Forwarding, now: number): Openings;
  /** Writes down what became of each; what cannot be written now is written after a later pass. */
  report(
    found: { refused: ReadonlySet<number>; signal: AbortSignal },
  ): Promise<void>;
}

const refusal = "the host's nftables refuses its rules";

export function createPolicies(
  { interfaceId, tunnels, table, database, log }: {
    interfaceId: number;
    /** CIDRs of the tunnel. */
    tunnels: readonly string[];
    table: DesiredTable;
    database: Database;
    log: Logger;
  },
): Policies {
  let policies: readonly TenantPolicy[] = [];
  let digest: string | undefined;
  let last: Resolved & { settings: object; version: number; forwards: Forwarding } | undefined;

  return {
    async read(sql) {
      const now = await readPolicyDigest(sql);
      if (now === digest) return;
      policies = await readPolicies(sql, interfaceId);
      digest = now;
      last = undefined;
    },
    openings(observed, forwards, now) {
      const { version } = table;
      const { settings } = observed;
      const isSame = last?.settings === settings && last.version === version &&
        isSameForwarding(last.forwards, forwards) && now < last.until;
      if (!last || !isSame) {
        const resolved = resolve(policies, {
          peers: table.peers,
          observed,
          forwards,
          tunnels,
          now,
        });
        last = { ...resolved, settings, version, forwards };
      }
      return last.openings;
    },
    async report({ refused, signal }) {
      const changes: OutcomeChange[] = [];
      for (const { tenantId, version, recorded } of policies) {
        const error = last?.rejected.get(tenantId) ?? (refused.has(tenantId) ? refusal : null);
        const state = error === null ? "applied" : "rejected";
        const same = recorded?.version === version && recorded.state === state &&
          recorded.error === error;
        if (!same) changes.push({ tenantId, version, state, error });
      }
      if (changes.length === 0) return;
      try {
        await database.use((sql) => writeOutcomes(sql, interfaceId, changes), { signal });
      } catch (error) {
        if (!(error instanceof DatabaseError)) throw error;
        if (error.cause) {
          log.warn("what became of policies cannot be written", errorFields(error.cause));
        }
        return;
      }
      const written = new Map(changes.map((change) => [change.tenantId, change]));
      policies = policies.map((policy) => ({
        ...policy,
        recorded: written.get(policy.tenantId) ?? policy.recorded,
      }));
      for (const { tenantId, version, state, error } of changes) {
        const fields = { tenant_id: tenantId, version };
        if (state === "applied") log.info("a policy is in force", fields);
        else log.warn("a policy is rejected", { ...fields, reason: error });
      }
    },
  };
}
