import type { Context } from "hono";
import { v7 as uuidv7 } from "uuid";
import { auditRow, auditSource } from "../../audit/write_audit.ts";
import { failuresUntilLock, lockWindowMs } from "../../auth/throttle.ts";
import type { AppEnv } from "../../context.ts";
import { isAnswer } from "../../database/errors.ts";
import type { Deps } from "../../deps.ts";
import type { OpenedSession } from "../sessions/mod.ts";
import type { Attempt } from "./login_attempt.ts";

/**
 * Opens the session of a log-in whose password was right in one message: where there is no lock, no second factor, and
 * no limit of sessions, and the password is that still, which is nearly always.
 * @returns undefined where there is more to it and nothing was changed: `finishAttempt` then decides, and says what
 * is wrong
 */
export async function openAtOnce(
  deps: Pick<Deps, "tenancy" | "clock" | "settings">,
  c: Context<AppEnv>,
  attempt: Attempt,
  deviceName: string,
): Promise<OpenedSession | undefined> {
  const { tenantId, account, digest, source, failures } = attempt;
  if (!account?.active || failures >= failuresUntilLock) return undefined;
  const now = deps.clock.now();
  const at = new Date(now);
  const { user_id: userId, email } = account;
  const session = {
    id: uuidv7({ msecs: now }),
    device_name: deviceName,
    peer_id: c.get("peer")?.peerId ?? null,
    address: c.env.address,
    user_agent: (c.req.header("user-agent") ?? "").slice(0, 256),
  };
  const entry = auditRow({
    tenantId,
    source: auditSource(c, userId),
    action: "auth.login",
    outcome: "succeeded",
    target: { type: "user", id: String(userId) },
  });
  const { refreshSeconds, sessionSeconds } = deps.settings;
  const rows = await deps.tenancy.act(
    tenantId,
    (sql) =>
      sql<{ refresh_expires_at: Date }[]>`
      select refresh_expires_at from session_open(
        ${tenantId}, ${userId}, ${digest}, ${source}, ${new Date(now - lockWindowMs)},
        ${failuresUntilLock}, ${at}, ${refreshSeconds}, ${sessionSeconds},
        ${sql.json(session)}, ${sql.json(entry)}, ${account.password_hash}
      )`,
  ).catch((error) => {
    // What the database refuses here it refuses there as well, where it is known which statement it was.
    if (isAnswer(error)) return [];
    throw error;
  });
  const [row] = rows;
  return row && {
    tenantId,
    userId,
    sessionId: session.id,
    email,
    issuedAt: now,
    refreshExpiresAt: row.refresh_expires_at.getTime(),
  };
}
