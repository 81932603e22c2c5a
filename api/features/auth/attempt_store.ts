import type { TenantSql } from "../../database/tenancy.ts";

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

/** How an attempt ended; `unlocked` is none, but says that those before it count no more. */
export type AttemptOutcome = "succeeded" | "failed" | "locking" | "locked" | "unlocked";

/** Stands for every way in. */
const everySource = "*";

/** The newest row that made earlier failures of the pair count no more. */
const lastReset = (sql: TenantSql, { digest, source, since }: Pair) =>
  sql`
    coalesce((
      select max(s.id) from login_attempts s
      where s.identifier_digest = ${digest} and s.at > ${since} and (
        s.source = ${source} and s.outcome = 'succeeded'
        or s.source = ${everySource} and s.outcome = 'unlocked'
      )
    ), 0)`;

/** Rows of the pair that failed since, those that locked it among them. */
const failuresOf = (sql: TenantSql, pair: Pair) =>
  sql`
    from login_attempts a
    where a.identifier_digest = ${pair.digest} and a.source = ${pair.source} and a.at > ${pair.since}
      and a.outcome in ('failed', 'locking') and a.id > ${lastReset(sql, pair)}`;

/** One query whether the account exists or not, so that both cost the same. */
export function readLoginFacts(sql: TenantSql, of: Pair & { email: string }) {
  return sql<[{
    account: LoginAccount | null;
    own_peer_only: boolean;
    failures: number;
    since_id: string;
  }]>`
    select
      coalesce((select login_own_peer from tenants where id = (select current_tenant_id())), false)
        as own_peer_only,
      (select count(*)::integer ${failuresOf(sql, of)}) as failures,
      ${lastReset(sql, of)}::text as since_id,
      (
        select jsonb_build_object(
          'user_id', u.id, 'email', u.email, 'locale', u.locale, 'password_hash', u.password_hash,
          'active', u.status = 'active' and t.status = 'active'
        )
        from users u join tenants t on t.id = u.tenant_id
        where u.email = ${of.email}
      ) as account`;
}

/**
 * How often log-ins of this identifier from this source failed since then, without one that succeeded, and whether a
 * lock was announced. They take turns from here to their commit, so that many at once are counted like one after the
 * other.
 */
export async function countFailures(
  sql: TenantSql,
  by: Pair & { tenantId: number },
): Promise<{ failures: number; announced: boolean }> {
  const [row] = await sql<[{ failures: number; announced: boolean }]>`
    select failures, announced
    from login_failures(${by.tenantId}, ${by.digest}, ${by.source}, ${by.since})`;
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

/** Where there is no tenant whose record could have an entry: as many statements as where there is one. */
export async function standInForAudit(sql: TenantSql): Promise<void> {
  await sql`select from tenants where id = (select current_tenant_id())`;
}

/** Failures of the account before this count no more, by whatever way they came. */
export async function liftLoginLocks(
  sql: TenantSql,
  of: { tenantId: number; digest: Uint8Array; at: Date },
): Promise<void> {
  await recordAttempt(sql, { ...of, source: everySource, outcome: "unlocked" });
}
