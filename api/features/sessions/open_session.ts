import type { Context } from "hono";
import { z } from "@hono/zod-openapi";
import { v7 as uuidv7 } from "uuid";
import { auditSource, writeAudit } from "../../audit/write_audit.ts";
import type { AppEnv } from "../../context.ts";
import type { TenantId, TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { endBeyondLimit, insertSession, readSessionRules } from "./store.ts";

export type SessionDeps = Pick<Deps, "clock" | "tokens" | "settings">;

export interface OpenedSession {
  tenantId: TenantId;
  userId: number;
  sessionId: string;
  email: string;
  issuedAt: number;
  refreshExpiresAt: number;
}

/**
 * Opens a session in the transaction of the log-in, and ends the one unused for longest where the tenant allows
 * no more.
 * @param who.steppedUp whether the strongest factor that the user has was shown just now
 */
export async function openSession(
  deps: SessionDeps,
  c: Context<AppEnv>,
  sql: TenantSql,
  who: {
    tenantId: TenantId;
    userId: number;
    email: string;
    deviceName: string;
    steppedUp: boolean;
  },
): Promise<OpenedSession> {
  const now = deps.clock.now();
  const at = new Date(now);
  const rules = await readSessionRules(sql, who.userId);
  const { idle, lifetime } = withinServer(deps, rules);
  const sessionId = uuidv7({ msecs: now });
  const expiresAt = now + lifetime * 1000;
  const refreshExpiresAt = Math.min(now + idle * 1000, expiresAt);
  await insertSession(sql, {
    tenantId: who.tenantId,
    id: sessionId,
    userId: who.userId,
    at,
    refreshExpiresAt: new Date(refreshExpiresAt),
    expiresAt: new Date(expiresAt),
    steppedUpAt: who.steppedUp ? at : null,
    deviceName: who.deviceName,
    peerId: c.get("peer")?.peerId ?? null,
    address: c.env.address,
    userAgent: (c.req.header("user-agent") ?? "").slice(0, 256),
  });
  if (rules.limit !== null) {
    const ended = await endBeyondLimit(sql, {
      userId: who.userId,
      newest: sessionId,
      limit: rules.limit,
      at,
    });
    // A thief's log-in that pushes the owner out is to be seen as that.
    if (ended > 0) {
      await writeAudit(sql, {
        tenantId: who.tenantId,
        source: auditSource(c, who.userId),
        action: "session.end",
        outcome: "succeeded",
        target: { type: "user", id: String(who.userId) },
        details: { reason: "limit", sessions_ended: ended },
      });
    }
  }
  const { tenantId, userId, email } = who;
  return { tenantId, userId, sessionId, email, issuedAt: now, refreshExpiresAt };
}

export const tokenPair = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int().openapi({ description: "Seconds until the access token ends" }),
}).openapi("TokenPair");

/** The first pair of tokens of a session; for after its transaction. */
export async function firstTokens({ tokens }: Pick<Deps, "tokens">, session: OpenedSession) {
  const { email, issuedAt, refreshExpiresAt, ...subject } = session;
  const [access_token, refresh_token] = await Promise.all([
    tokens.mintAccess({ ...subject, email }),
    tokens.mintRefresh({ ...subject, counter: 0, issuedAt, expiresAt: refreshExpiresAt }),
  ]);
  return {
    access_token,
    refresh_token,
    token_type: "Bearer" as const,
    expires_in: tokens.accessSeconds,
  };
}

/** What a tenant sets, never beyond what the server allows; in seconds. */
export function withinServer(
  { settings }: Pick<Deps, "settings">,
  rules: { idle: number | null; lifetime: number | null },
): { idle: number; lifetime: number } {
  return {
    idle: Math.min(rules.idle ?? Infinity, settings.refreshSeconds),
    lifetime: Math.min(rules.lifetime ?? Infinity, settings.sessionSeconds),
  };
}
