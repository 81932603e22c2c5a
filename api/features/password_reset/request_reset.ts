import type { Deps } from "../../deps.ts";
import type { Router } from "../../openapi.ts";
import { requestToken } from "./request_token.ts";

export function requestReset(router: Router, deps: Deps): void {
  requestToken(router, deps, {
    path: "/request",
    operationId: "requestPasswordReset",
    summary: "Have a link for a new password sent to one's address",
    description:
      "Answered alike, and at one time, whether there is such a user or not. The link is good for 30 minutes; asking again by the same way (a peer of the user's own, or any other) voids the one before.",
    purpose: "password_reset",
    action: "password_reset.request",
  });
}
