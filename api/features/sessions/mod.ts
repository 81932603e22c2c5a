import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { endOwnSessions, endSession } from "./end_sessions.ts";
import { getSession, getSessions } from "./read_sessions.ts";
import { revokeAll } from "./revoke_all.ts";

export { heldBeside, holdCaller } from "./hold_caller.ts";
export { endAllSessions, type EndReason, endSessions, holdSession } from "./store.ts";
export {
  firstTokens,
  type OpenedSession,
  openSession,
  type SessionDeps,
  tokenPair,
  withinServer,
} from "./open_session.ts";

/** `/api/v1/sessions`: a user's own, and the operator's way to end them all. */
export function sessionsFeature(deps: Deps): Router {
  const router = createRouter();
  revokeAll(router, deps);
  getSessions(router, deps);
  getSession(router, deps);
  endSession(router, deps);
  endOwnSessions(router, deps);
  return router;
}
