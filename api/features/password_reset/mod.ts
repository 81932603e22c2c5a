import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { confirmReset } from "./confirm_reset.ts";
import { requestReset } from "./request_reset.ts";
import { validateReset } from "./validate_reset.ts";

export { findBearer } from "./bearer.ts";
export { requestToken } from "./request_token.ts";
export { askToVerify } from "./send_token.ts";
export { setVerified, standInForMail } from "./store.ts";

/** `/api/v1/password-reset` */
export function passwordResetFeature(deps: Deps): Router {
  const router = createRouter();
  requestReset(router, deps);
  validateReset(router, deps);
  confirmReset(router, deps);
  return router;
}
