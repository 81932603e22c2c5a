import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { changePassword } from "./change_password.ts";
import { login } from "./login.ts";
import { loginMfa } from "./login_mfa.ts";
import { logout } from "./logout.ts";
import { whoAmI } from "./me.ts";
import { refresh } from "./refresh.ts";
import { stepUp } from "./step_up.ts";
import { verifyToken } from "./verify_token.ts";

export { liftLoginLocks } from "./attempt_store.ts";

/** `/api/v1/auth` */
export function authFeature(deps: Deps): Router {
  const router = createRouter();
  login(router, deps);
  loginMfa(router, deps);
  refresh(router, deps);
  logout(router, deps);
  whoAmI(router, deps);
  verifyToken(router, deps);
  changePassword(router, deps);
  stepUp(router, deps);
  return router;
}
