import type { Trace } from "../../lib/trace.ts";
import type { PlatformSql, TenantSql } from "../database/tenancy.ts";

export async function insertMail(
  sql: TenantSql | PlatformSql,
  mail: {
    tenantId: number;
    id: string;
    template: string;
    sealedLetter: Uint8Array;
    at: Date;
    giveUpAt: Date;
    /** Of the request that queues it. */
    trace: Pick<Trace, "requestId" | "traceId" | "spanId"> | undefined;
  },
): Promise<void> {
  await sql`
    insert into mails (tenant_id, id, template, sealed_letter, due_at, give_up_at, created_at,
      request_id, trace_id, span_id)
    values (${mail.tenantId}, ${mail.id}, ${mail.template}, ${mail.sealedLetter}, ${mail.at}, ${mail.giveUpAt},
      ${mail.at}, ${mail.trace?.requestId ?? null}, ${mail.trace?.traceId ?? null},
      ${mail.trace?.spanId ?? null})`;
}

export interface TakenMail {
  template: string;
  sealed_letter: Uint8Array<ArrayBuffer>;
  attempts: number;
  give_up_at: Date;
  request_id: string | null;
  trace_id: string | null;
  span_id: string | null;
}

/**
 * Takes a mail for delivery, so that of many processes one has it until the lease ends. The row is not locked
 * while the mail is under way: whoever is killed then leaves it due again.
 */
export function takeMail(sql: TenantSql, take: { id: string; now: Date; leaseUntil: Date }) {
  return sql<TakenMail[]>`
    update mails set attempts = attempts + 1, due_at = ${take.leaseUntil}
    where id = ${take.id} and state = 'queued' and due_at <= ${take.now}
    returning template, sealed_letter, attempts, give_up_at, request_id, trace_id,
      span_id`;
}

/** The name of a tenant's peer that something came through; another tenant's has none. */
export function readPeerName(sql: TenantSql, id: string) {
  return sql<{ name: string }[]>`select name from wg_peers where id = ${id}`;
}

/** Ends a mail and forgets what it said. */
export function finishMail(
  sql: TenantSql,
  mail: { id: string; state: "sent" | "dead" | "withdrawn"; failure: string | null; at: Date },
) {
  return sql`
    update mails set state = ${mail.state}, failure = ${mail.failure}, finished_at = ${mail.at}, sealed_letter = null
    where id = ${mail.id} and state = 'queued'`;
}

/** @param mail.attempts as it was taken: a lease that has passed on by now is left alone */
export function postponeMail(
  sql: TenantSql,
  mail: { id: string; attempts: number; failure: string; dueAt: Date },
) {
  return sql`
    update mails set due_at = ${mail.dueAt}, failure = ${mail.failure}
    where id = ${mail.id} and state = 'queued' and attempts = ${mail.attempts}`;
}

/** What may be forgotten at a time: more than one mail adds, and little enough to keep nobody waiting. */
const forgottenAtOnce = 20;

export function forgetMails(sql: TenantSql, before: Date) {
  return sql`
    delete from mails where id in (
      select id from mails where state <> 'queued' and finished_at < ${before}
      order by finished_at limit ${forgottenAtOnce} for update skip locked)`;
}
