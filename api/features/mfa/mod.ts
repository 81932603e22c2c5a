import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { disable } from "./disable.ts";
import { enable } from "./enable.ts";
import { regenerate } from "./regenerate.ts";
import { reseal, resealFactors } from "./reseal.ts";
import { setUp } from "./set_up.ts";
import { readStatus } from "./status.ts";
import { distrustDevice, listDevices } from "./trusted_devices.ts";
import { verify, verifyRecoveryCode } from "./verify.ts";

export { pendingFactorMs } from "./enable.ts";
export { liftLocks } from "./attempts_store.ts";
export { checkCode, type CheckDeps, refusal } from "./check_code.ts";
export {
  answerPending,
  claimPendingLogin,
  completePendingLogin,
  type PendingLogin,
  refuseClaim,
} from "./pending_login.ts";
export { resealFactors };
export { requireFactor } from "./require_factor.ts";
export { resetFactor } from "./reset_factor.ts";
export { anyCode, type Code } from "./schemas.ts";
export { decideSecondFactor } from "./second_factor.ts";
export { readFactorFacts, stepUp } from "./store.ts";
export { trustDevice } from "./trust_device.ts";
export { steppedUp, stepUpByCode } from "./verify.ts";

/** `/api/v1/mfa`: one's own second factor, and the operator's way to another key. */
export function mfaFeature(deps: Deps): Router {
  const router = createRouter();
  reseal(router, deps);
  readStatus(router, deps);
  setUp(router, deps);
  enable(router, deps);
  disable(router, deps);
  verify(router, deps);
  verifyRecoveryCode(router, deps);
  regenerate(router, deps);
  listDevices(router, deps);
  distrustDevice(router, deps);
  return router;
}
