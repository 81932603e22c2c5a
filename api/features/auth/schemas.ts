import { z } from "@hono/zod-openapi";

/** What a login accepts: any text, because the rules for new passwords may have changed since. */
export const presentedPassword = z.string().min(1).max(1024);

/** What the user calls his device. */
export const deviceName = z.string().regex(
  /^[^\p{Cc}]{0,64}$/u,
  "must have at most 64 characters and no control characters",
).default("").openapi({ example: "Ada's phone" });

export const tokenPair = z.object({
  access_token: z.string(),
  refresh_token: z.string(),
  token_type: z.literal("Bearer"),
  expires_in: z.int().openapi({ description: "Seconds until the access token ends" }),
}).openapi("TokenPair");

export const tenantHeader = z.object({
  "x-tenant-id": z.string().optional().openapi({
    description: "Id or slug of the tenant; required",
    example: "acme",
  }),
});
