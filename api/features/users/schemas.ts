import { z } from "@hono/zod-openapi";

/** Normalised once, here: trimmed and lower case. */
export const email = z.string().trim().toLowerCase().max(254)
  .regex(/^[^@\s\p{Cc}]{1,64}@[^@\s\p{Cc}]{1,189}$/u, "must be an e-mail address")
  .openapi({ example: "ada@acme.example" });
