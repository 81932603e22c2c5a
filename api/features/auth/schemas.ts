import { z } from "@hono/zod-openapi";

/** What a login accepts: any text, because the rules for new passwords may have changed since. */
export const presentedPassword = z.string().min(1).max(1024);

/** What the user calls his device. */
export const deviceName = z.string().regex(
  /^[^\p{Cc}]{0,64}$/u,
  "must have at most 64 characters and no control characters",
).default("").openapi({ example: "Ada's phone" });

export const mfaRequired = z.object({
  mfa_required: z.literal(true),
  mfa_session_token: z.string().openapi({
    description: "For `POST /auth/login/mfa` alone, for five minutes, through the same peer",
  }),
}).openapi("MfaRequired");

export const mfaSetupRequired = z.object({
  mfa_setup_required: z.literal(true),
  mfa_setup_token: z.string().openapi({
    description:
      "For `POST /mfa/setup` and `POST /mfa/enable` alone, for 15 minutes, through the same peer",
  }),
}).openapi("MfaSetupRequired");

export const proof = z.string().max(200).openapi({
  description: "`<challenge>:<nonce>`, where a challenge was answered before",
});
