import { createRoute, z } from "@hono/zod-openapi";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limitedAccess, namedTenant } from "../../middleware/access.ts";
import {
  email,
  jsonRequest,
  jsonResponse,
  namesTenant,
  refusals,
  type Router,
} from "../../openapi.ts";
import { type ConcludeDeps, concludeLogin } from "./conclude_login.ts";
import { type AttemptDeps, finishAttempt, startAttempt } from "./login_attempt.ts";
import { openAtOnce } from "./open_at_once.ts";
import { renewHash } from "./renew_hash.ts";
import { firstTokens, tokenPair } from "../sessions/mod.ts";
import { deviceName, mfaRequired, mfaSetupRequired, presentedPassword, proof } from "./schemas.ts";

type LoginDeps =
  & AttemptDeps
  & ConcludeDeps
  & Pick<Deps, "lookups" | "hasher" | "failureFloor" | "timer" | "limits" | "log">;

export function login(router: Router, deps: LoginDeps): void {
  const route = createRoute({
    method: "post",
    path: "/login",
    operationId: "login",
    summary: "Log in with e-mail and password",
    description:
      "Whatever is wrong, the answer is one and takes one time. After failures an attempt waits, may have to show work (403 `challenge_required`), and is locked for a while, for this account by this way alone.",
    ...limitedAccess(deps, "login"),
    ...namesTenant,
    request: jsonRequest(z.strictObject({
      email,
      password: presentedPassword,
      device_name: deviceName,
      trusted_device: z.string().max(64).exactOptional().openapi({
        description: "What a log-in with `trust_device` answered; it stands for the code",
      }),
      proof: proof.exactOptional(),
    })),
    responses: {
      200: jsonResponse(
        z.union([tokenPair, mfaRequired, mfaSetupRequired]),
        "The tokens of a new session, or what the log-in asks for besides",
      ),
      ...refusals("invalid_credentials", "challenge_required"),
    },
  });
  router.openapi(route, async (c) => {
    const { email, password, proof, device_name, trusted_device } = c.req.valid("json");
    const floor = deps.failureFloor.start();
    const tenantId = await namedTenant(deps, c);
    const attempt = await startAttempt(deps, c, { tenantId, email, proof });
    if (attempt.delayMs > 0) await deps.timer.pause(attempt.delayMs);
    // Every path does the same work: one hash, whoever it is about (A4).
    const stored = attempt.account?.password_hash ?? null;
    const matches = await deps.hasher.verify(stored, password, attempt.tenantId);
    const session = matches ? await openAtOnce(deps, c, attempt, device_name) : undefined;
    const answer = session
      ? () => firstTokens(deps, session)
      : await finishAttempt(deps, c, attempt, {
        matches,
        again: (hash) => deps.hasher.verify(hash, password, attempt.tenantId),
        action: "auth.login",
        succeed: (sql, account) =>
          concludeLogin(deps, c, sql, {
            tenantId: attempt.tenantId,
            account,
            deviceName: device_name,
            trustedDevice: trusted_device,
          }),
      });
    if (!answer) {
      await floor.wait(attempt.delayMs);
      throw new ApiError("invalid_credentials");
    }
    await renewHash(deps, c, { ...attempt, password });
    return c.json(await answer(), 200);
  });
}
