import type { TenantId, TenantSql } from "../database/tenancy.ts";
import type { Deps } from "../deps.ts";
import { type AuditSource, writeAudit } from "../audit/write_audit.ts";
import { ApiError } from "../errors.ts";
import type { LimitState } from "../limits/limits.ts";
import type { Letter } from "./letter.ts";
import { queueMail } from "./queue_mail.ts";

/** Mails of one kind that go to one address in a minute. */
const mailsAMinute = 3;
/** Alerts of one kind to one user in an hour. */
export const alertsAnHour = 10;
const hour = 3600;

type Kind = "password_reset" | "verify_email" | "registration" | "invitation" | "new_address";
type Counting = Pick<Deps, "limits" | "identifierDigest" | "settings">;

interface AskedMail {
  kind: Kind;
  tenantId: number;
  to: string;
  /** Who shares the count of the address. */
  by: string;
}

/**
 * Counts a mail that somebody asks for. In a tenant of its own: what one of them sends takes nothing of another's.
 */
export async function mailAllowance(
  deps: Pick<Counting, "limits" | "identifierDigest">,
  mail: AskedMail,
): Promise<LimitState> {
  return await deps.limits.consumeUpTo(
    mailsAMinute,
    `mail/${mail.kind}/${mail.tenantId}/${await named(deps, mail.to)}/${mail.by}`,
  );
}

/**
 * Counts a mail that will be sent against its tenant's hour: all leave in the operator's name, whoever asked for them.
 * Each kind has an hour of its own, so that nobody's invitations, and no stranger, keep others from a new password.
 */
export async function tenantAllowance(
  deps: Pick<Counting, "limits" | "settings">,
  { kind, tenantId, own = false }: { kind: Kind; tenantId: number; own?: boolean },
): Promise<LimitState> {
  const source = `mail-hour/${kind}/${own ? "own" : "other"}/${tenantId}`;
  return await deps.limits.consumeUpTo(deps.settings.mailsAnHour, source, hour);
}

/**
 * The same for who is told: he asks for a mail to an address.
 * @throws {ApiError} `rate_limited` for the address, `too_many_mails` for the tenant
 */
export async function demandAllowance(
  deps: Counting,
  mail: Omit<AskedMail, "by">,
): Promise<void> {
  const address = await mailAllowance(deps, { ...mail, by: "anybody" });
  if (!address.allowed) throw new ApiError("rate_limited", { retryAfter: address.resetSeconds });
  const tenant = await tenantAllowance(deps, mail);
  if (!tenant.allowed) throw new ApiError("too_many_mails", { retryAfter: tenant.resetSeconds });
}

/**
 * Tells a user of his account, unless he was told the same ten times within the hour: who can cause an alert again and
 * again would else send as many mails to whatever address a user has. What is withheld stands in the log.
 */
export async function queueAlert(
  deps: Pick<Deps, "letters" | "clock" | "limits" | "identifierDigest" | "log">,
  sql: TenantSql,
  { source, userId, ...mail }:
    & { tenantId: TenantId; userId: number; source: AuditSource }
    & Letter,
): Promise<void> {
  const { tenantId, template } = mail;
  const { allowed } = await deps.limits.consumeUpTo(
    alertsAnHour,
    `alert/${template}/${tenantId}/${await named(deps, mail.to)}`,
    hour,
  );
  if (allowed) return void await queueMail(deps, sql, mail);
  deps.log.warn("an alert was withheld", { tenant_id: tenantId, user_id: userId, template });
  await writeAudit(sql, {
    tenantId,
    source,
    action: "mail.withhold",
    outcome: "refused",
    target: { type: "user", id: String(userId) },
    details: { template },
  });
}

const named = async ({ identifierDigest }: Pick<Deps, "identifierDigest">, address: string) =>
  (await identifierDigest(address)).toHex();
