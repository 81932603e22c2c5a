import { type AttemptKind, type Attempts } from "../../auth/attempt_policy.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";

/** An attempt, by what it is counted against. */
export interface Attempt {
  tenantId: TenantId;
  userId: number;
  kind: AttemptKind;
  /** Through a peer of the user's own, or any other way. */
  way: "own" | "other";
  /** Null for the operator's socket, which is no source that is held back. */
  source: string | null;
}

/** The user's attempts this way. Locked: attempts at once are counted like one after the other. */
export async function lockUserAttempts(sql: TenantSql, attempt: Attempt): Promise<Attempts> {
  const [row] = await sql<[{ recent: string[]; failures: number; locked_until: Date | null }]>`
    insert into mfa_attempts (tenant_id, user_id, way, kind)
    values (${attempt.tenantId}, ${attempt.userId}, ${attempt.way}, ${attempt.kind})
    on conflict (tenant_id, user_id, way, kind) do update set failures = mfa_attempts.failures
    returning to_jsonb(recent) as recent, failures, locked_until`;
  return {
    recent: row.recent.map(Date.parse),
    failures: row.failures,
    lockedUntil: row.locked_until?.getTime() ?? null,
  };
}

/** Recent attempts from the source, whoever they were for. Locked, and always after those of the user. */
export async function lockSourceAttempts(
  sql: TenantSql,
  attempt: Attempt,
  at: Date,
): Promise<number[]> {
  if (attempt.source === null) return [];
  const [row] = await sql<[{ recent: string[] }]>`
    insert into mfa_source_attempts (tenant_id, source, kind, last_at)
    values (${attempt.tenantId}, ${attempt.source}, ${attempt.kind}, ${at})
    on conflict (tenant_id, source, kind) do update set last_at = excluded.last_at
    returning to_jsonb(recent) as recent`;
  return row.recent.map(Date.parse);
}

const dates = (times: readonly number[]) => times.map((at) => new Date(at).toISOString());

/** What may be forgotten at a time: more than one attempt adds, and little enough to keep nobody waiting. */
const forgottenAtOnce = 100;

/** Also forgets sources that have not tried anything for an hour. */
export async function writeRecent(
  sql: TenantSql,
  attempt: Attempt,
  recent: { ofUser: readonly number[]; ofSource: readonly number[]; at: Date },
): Promise<void> {
  await sql`
    update mfa_attempts set recent = ${dates(recent.ofUser)}::text[]::timestamptz[]
    where user_id = ${attempt.userId} and way = ${attempt.way} and kind = ${attempt.kind}`;
  if (attempt.source === null) return;
  await sql`
    update mfa_source_attempts set recent = ${dates(recent.ofSource)}::text[]::timestamptz[]
    where source = ${attempt.source} and kind = ${attempt.kind}`;
  await sql`
    delete from mfa_source_attempts where (source, kind) in (
      select source, kind from mfa_source_attempts
      where tenant_id = ${attempt.tenantId} and last_at < least(${recent.at}, now()) - interval '1 hour'
      order by last_at limit ${forgottenAtOnce} for update skip locked)`;
}

/** Writes what was judged. What passed as one second factor clears the other: its owner was there. */
export async function writeJudged(
  sql: TenantSql,
  attempt: Attempt,
  judged: Pick<Attempts, "failures" | "lockedUntil">,
): Promise<void> {
  const lockedUntil = judged.lockedUntil === null ? null : new Date(judged.lockedUntil);
  const passed = judged.failures === 0;
  await sql`
    update mfa_attempts set failures = ${judged.failures}, locked_until = ${lockedUntil}
    where user_id = ${attempt.userId} and way = ${attempt.way} and (kind = ${attempt.kind} or ${passed})`;
}

/** When the last lock of a user's second factor that way ends; null where there is none. */
export async function readLock(
  sql: TenantSql,
  of: Pick<Attempt, "userId" | "way"> & { at: Date },
): Promise<Date | null> {
  const [row] = await sql<[{ until: Date | null }]>`
    select max(locked_until) as until from mfa_attempts
    where user_id = ${of.userId} and way = ${of.way} and locked_until > ${of.at}`;
  return row.until;
}

/** Lifts every lock of a user's, and begins to count anew. */
export async function liftLocks(sql: TenantSql, userId: number): Promise<void> {
  await sql`
    update mfa_attempts set failures = 0, locked_until = null
    where user_id = ${userId} and (failures > 0 or locked_until is not null)`;
}
