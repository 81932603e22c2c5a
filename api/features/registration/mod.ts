import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { register } from "./register.ts";
import { resendVerification, verifyEmail } from "./verify_email.ts";

/** The part of `/api/v1/auth` by which an account comes to be, and its address is proven. */
export function registrationFeature(deps: Deps): Router {
  const router = createRouter();
  register(router, deps);
  verifyEmail(router, deps);
  resendVerification(router, deps);
  return router;
}
