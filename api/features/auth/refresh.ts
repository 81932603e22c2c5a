import type { Context } from "hono";
import { createRoute, z } from "@hono/zod-openapi";
import { type AuditEntry, auditSource, writeAudit } from "../../audit/write_audit.ts";
import { decideRefresh } from "../../auth/refresh_policy.ts";
import type { RefreshToken } from "../../auth/tokens.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limitedAccess } from "../../middleware/access.ts";
import { holdToHeader } from "../../middleware/authenticate.ts";
import { fitsTunnel, refuseTunnel } from "../../middleware/tunnel_rules.ts";
import { jsonRequest, jsonResponse, refusals, type Router } from "../../openapi.ts";
import { type EndReason, endSessions, tokenPair, withinServer } from "../sessions/mod.ts";
import { lockSession, rotateNewest, rotateSession } from "./store.ts";

type RefreshDeps = Pick<
  Deps,
  "tenancy" | "lookups" | "tokens" | "clock" | "settings" | "limits" | "meters"
>;

export function refresh(router: Router, deps: RefreshDeps): void {
  const route = createRoute({
    method: "post",
    path: "/refresh",
    operationId: "refresh",
    summary: "Exchange a refresh token for the next pair",
    description:
      "A parent token stays good until its child was first presented, or for 10 s after; anything older ends the session.",
    ...limitedAccess(deps, "anonymous"),
    "x-headers": z.object({
      "x-tenant-id": z.string().optional().openapi({
        description: "Id or slug of the tenant; may be left out, and must agree with the token",
      }),
    }),
    request: jsonRequest(z.strictObject({ refresh_token: z.string().min(1).max(4096) })),
    responses: {
      200: jsonResponse(tokenPair, "An access token and the newest refresh token of the session"),
      ...refusals("invalid_token", "tenant_mismatch"),
    },
  });
  router.openapi(route, async (c) => {
    const token = await deps.tokens.verifyRefresh(c.req.valid("json").refresh_token);
    const wrongTunnel = () =>
      refuseTunnel(deps, c, { ...token, reason: "refresh token of another owner" });
    // Before the header: what a thief names does not hide that he tried.
    if (!fitsTunnel(c.get("peer"), { ...token, ownPeerOnly: false })) return await wrongTunnel();
    await holdToHeader(deps, c, token);
    const session = await advanceNewest(deps, c, token) ??
      await deps.tenancy.transaction(token.tenantId, (sql) => advance(deps, c, token, sql));
    if (session === "wrong tunnel") return await wrongTunnel();
    // Thrown out here: the end of a session must be committed before it is answered (A2).
    if (!session) throw new ApiError("invalid_token");
    const subject = { tenantId: token.tenantId, userId: token.userId, sessionId: token.sessionId };
    const [access_token, refresh_token] = await Promise.all([
      deps.tokens.mintAccess({ ...subject, email: session.email }),
      deps.tokens.mintRefresh({ ...subject, ...session }),
    ]);
    return c.json({
      access_token,
      refresh_token,
      token_type: "Bearer" as const,
      expires_in: deps.tokens.accessSeconds,
    }, 200);
  });
}

interface NewestToken {
  email: string;
  counter: number;
  issuedAt: number;
  expiresAt: number;
}

/** What nearly every refresh is; undefined where the row has to be looked at. */
async function advanceNewest(
  deps: RefreshDeps,
  c: Context<AppEnv>,
  token: RefreshToken,
): Promise<NewestToken | undefined> {
  const now = deps.clock.now();
  const row = await rotateNewest(deps.tenancy, token, {
    at: new Date(now),
    ownPeer: fitsTunnel(c.get("peer"), { ...token, ownPeerOnly: true }),
    idleSeconds: deps.settings.refreshSeconds,
  });
  return row && {
    email: row.email,
    counter: row.counter,
    issuedAt: now,
    expiresAt: row.refresh_expires_at.getTime(),
  };
}

/** Decides under the lock of the session row, and returns what its newest token is to be made of. */
async function advance(
  deps: RefreshDeps,
  c: Context<AppEnv>,
  token: RefreshToken,
  sql: Parameters<typeof lockSession>[0],
): Promise<NewestToken | "wrong tunnel" | undefined> {
  const now = deps.clock.now();
  const at = new Date(now);
  const row = await lockSession(sql, { id: token.sessionId, userId: token.userId, at });
  // Before anything else, so that nobody learns or ends anything through a tunnel that is not the owner's.
  const ownPeerOnly = row?.login_own_peer ?? false;
  if (!fitsTunnel(c.get("peer"), { ...token, ownPeerOnly })) return "wrong tunnel";
  if (!row?.active) return undefined;
  const state = {
    counter: row.refresh_counter,
    rotatedAt: row.refresh_rotated_at.getTime(),
    endedAt: row.ended_at?.getTime() ?? null,
    expiresAt: row.expires_at.getTime(),
  };
  const end = async (reason: EndReason, details: AuditEntry["details"]) => {
    await endSessions(sql, { userId: token.userId, only: token.sessionId, reason, at });
    await writeAudit(sql, {
      tenantId: token.tenantId,
      source: auditSource(c, token.userId),
      action: "session.end",
      outcome: "succeeded",
      target: { type: "session", id: token.sessionId },
      details: { reason, ...details },
    });
    return undefined;
  };
  const decision = decideRefresh(state, token.counter, now);
  // Demanded since the session began: he logs in again, and sets one up.
  if (row.mfa_missing && decision !== "over") return await end("mfa_missing", {});
  switch (decision) {
    case "over":
      return undefined;
    case "reuse":
      deps.meters.refreshReuse();
      return await end("refresh_reuse", {
        presented: token.counter,
        newest: row.refresh_counter,
      });
    case "repeat":
      return {
        email: row.email,
        counter: row.refresh_counter,
        issuedAt: state.rotatedAt,
        expiresAt: row.refresh_expires_at.getTime(),
      };
    case "rotate": {
      const { idle } = withinServer(deps, { idle: row.idle, lifetime: null });
      const expiresAt = Math.min(now + idle * 1000, state.expiresAt);
      await rotateSession(sql, {
        id: token.sessionId,
        at: new Date(now),
        refreshExpiresAt: new Date(expiresAt),
      });
      return { email: row.email, counter: row.refresh_counter + 1, issuedAt: now, expiresAt };
    }
  }
}
