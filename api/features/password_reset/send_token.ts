import type { Context } from "hono";
import type { AuditAction } from "../../../lib/audit/actions.ts";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import { createOneTimeToken } from "../../auth/one_time_token.ts";
import {
  putOneTimeToken,
  type TokenPurpose,
  type TokenWay,
} from "../../auth/one_time_token_store.ts";
import type { AppEnv } from "../../context.ts";
import { noTenant, type TenantId, type TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import {
  type Locale,
  mailAllowance,
  pageLink,
  queueMail,
  tenantAllowance,
} from "../../mail/mod.ts";
import { refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { findMailAccount, standInForMail } from "./store.ts";

export type SendDeps = Pick<
  Deps,
  "tenancy" | "clock" | "letters" | "settings" | "failureFloor" | "limits" | "identifierDigest"
>;

const kinds = {
  password_reset: { page: "reset", lifetimeMs: 30 * 60_000 },
  verify_email: { page: "verify", lifetimeMs: 24 * 60 * 60_000 },
} as const;

/**
 * Sends a token to the user of an address, if there is one; answered alike, and at one time, if not (A4): unknown
 * user or tenant, inactive, nothing to verify, too many mails already. What comes through the user's own peer is
 * counted by itself and voids only its like, so that nobody else keeps him from a link that is good (A5).
 */
export async function sendToken(
  deps: SendDeps,
  c: Context<AppEnv>,
  asked: {
    tenantId: TenantId | undefined;
    email: string;
    purpose: TokenPurpose;
    action: AuditAction;
  },
): Promise<void> {
  const floor = deps.failureFloor.start();
  const tenantId = asked.tenantId ?? noTenant;
  const peer = c.get("peer");
  const owner = peer?.userId ?? null;
  const { allowed } = await mailAllowance(deps, {
    kind: asked.purpose,
    tenantId,
    to: asked.email,
    // By the owner too: his peer takes nothing of the allowance of whom else he names.
    by: owner === null ? "other" : `own/${owner}`,
  });
  const foreign = await deps.tenancy.transaction(tenantId, async (sql) => {
    const account = await findMailAccount(sql, asked.email);
    // An owned peer is its owner's: it asks for nobody else, whether he exists or not (T10).
    if (owner !== null && owner !== account?.user_id) return true;
    const wanted = asked.purpose === "password_reset" || !account?.verified;
    const way = owner === null ? "other" : "own";
    // The tenant's hour is counted for those alone to whom a mail would go: strangers use up nobody's.
    const to = allowed && wanted && account &&
        (await tenantAllowance(deps, { kind: asked.purpose, tenantId, own: way === "own" })).allowed
      ? account
      : null;
    if (to) await putUp(deps, sql, { ...asked, ...to, way, tenantId, userId: to.user_id });
    else await standInForMail(sql);
    if (tenantId === noTenant) {
      await sql`select from tenants where id = (select current_tenant_id())`;
    } else {
      await writeAudit(sql, {
        tenantId,
        source: auditSource(c),
        action: asked.action,
        outcome: to ? "succeeded" : "refused",
        ...(account ? { target: { type: "user", id: String(account.user_id) } } : {}),
      });
    }
    return false;
  });
  if (foreign) {
    await refuseTunnel(deps, c, { tenantId, reason: `${asked.action} for somebody else` });
  }
  await floor.wait(0);
}

async function putUp(
  deps: SendDeps,
  sql: TenantSql,
  to: {
    tenantId: TenantId;
    userId: number;
    email: string;
    locale: Locale;
    purpose: TokenPurpose;
    way: TokenWay;
  },
): Promise<void> {
  const { tenantId, userId, email, locale, purpose, way } = to;
  const { page, lifetimeMs } = kinds[purpose];
  const now = deps.clock.now();
  const { text: token, digest } = await createOneTimeToken();
  await putOneTimeToken(sql, {
    tenantId,
    purpose,
    way,
    userId,
    email,
    digest,
    at: new Date(now),
    expiresAt: new Date(now + lifetimeMs),
  });
  await queueMail(deps, sql, {
    tenantId,
    to: email,
    locale,
    template: purpose,
    data: { link: pageLink(deps, page, { tenantId, token }) },
  });
}

/** Asks a user to prove his address, in the transaction that gave him another one. */
export function askToVerify(
  deps: SendDeps,
  sql: TenantSql,
  user: { tenantId: TenantId; userId: number; email: string; locale: Locale },
): Promise<void> {
  return putUp(deps, sql, { ...user, purpose: "verify_email", way: "other" });
}
