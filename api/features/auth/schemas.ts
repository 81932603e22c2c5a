import { z } from "@hono/zod-openapi";

/** Normalised once, here: trimmed and lower case. */
export const email = z.string().trim().toLowerCase().max(254)
  .regex(/^[^@\s\p{Cc}]{1,64}@[^@\s\p{Cc}]{1,189}$/u, "must be an e-mail address")
  .openapi({ example: "ada@acme.example" });

/** What a login accepts: any text, because the rules for new passwords may have changed since. */
export const presentedPassword = z.string().min(1).max(1024);

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
