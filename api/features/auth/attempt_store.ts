import type { EnteringSql, TenantSql } from "../../database/tenancy.ts";

export interface LoginAccount {
  user_id: number;
  email: string;
  locale: "en" | "fr";
  password_hash: string;
  active: boolean;
}

/** The pair that failures are counted by, and since when. */
interface Pair {
  digest: Uint8Array;
  source: string;
  since: Date;
}

/**
 * How an attempt ended. Two are none, but say something of those before them, by whatever way: that they count no more
 * (`unlocked`), and that the owner was told of them (`alarmed`).
 */
export type AttemptOutcome =
  | "succeeded"
  | "failed"
  | "locking"
  | "locked"
  | "unlocked"
  | "alarmed";

/** Stands for every way in. */
export const everySource = "*";

/** One message and one row, whether the account exists or not, so that both cost the same. */
export function readLoginFacts(sql: EnteringSql, of: Pair & { tenantId: number; email: string }) {
  return sql<[{
    account: LoginAccount | null;
    own_peer_only: boolean;
    failures: number;
    since_id: string;
    failures_anywhere: number;
    anywhere_since_id: string;
  }]>`
    select own_peer_only, failures, since_id, failures_anywhere, anywhere_since_id, account
    from login_facts(${of.tenantId}, ${of.email}, ${of.digest}, ${of.source}, ${of.since})`;
}

interface Turn {
  failures: number;
  /** Whether the owner has to be told of failures from all sources together, should this be one more. */
  alarm: boolean;
  /** The hash of the proven user's password by now; null where nobody was proven, or he is not active. */
  password_hash: string | null;
}

/**
 * How often log-ins of this identifier from this source failed since then, without one that succeeded. They take turns from here to their commit, so that many at once are counted like one after the
 * other. Whoever the password proved is locked after that, so that he stays what is told of him here.
 */
export async function takeTurn(
  sql: TenantSql,
  by: Pair & { tenantId: number; provenId: number | null; failuresUntilAlarm: number },
): Promise<Turn> {
  const [row] = await sql<[Turn]>`
    select f.failures, a.password_hash,
      login_alarm(${by.tenantId}, ${by.digest}, ${by.since}, ${by.failuresUntilAlarm}) as alarm
    from login_failures(${by.tenantId}, ${by.digest}, ${by.source}, ${by.since}) f
    left join lateral (
      select u.password_hash from users u join tenants t on t.id = u.tenant_id
      where u.id = ${by.provenId} and u.status = 'active' and t.status = 'active' and f.failures is not null
      for no key update of u
    ) a on true`;
  return row;
}

/**
 * Writes nothing for a tenant that there is not. Also forgets attempts that no lock looks at any more, unless
 * somebody else does so now.
 */
export async function recordAttempt(
  sql: TenantSql,
  attempt: {
    tenantId: number;
    digest: Uint8Array;
    source: string;
    outcome: AttemptOutcome;
    at: Date;
  },
): Promise<void> {
  await sql`
    select login_record(
      ${attempt.tenantId}, ${attempt.digest}, ${attempt.source}, ${attempt.outcome}, ${attempt.at}
    )`;
}

/** In the place of a statement that there is nobody for, so that there are as many. */
export async function standIn(sql: TenantSql): Promise<void> {
  await sql`select from tenants where id = (select current_tenant_id())`;
}

/** Failures of the account before this count no more, by whatever way they came. */
export async function liftLoginLocks(
  sql: TenantSql,
  of: { tenantId: number; digest: Uint8Array; at: Date },
): Promise<void> {
  await recordAttempt(sql, { ...of, source: everySource, outcome: "unlocked" });
}
