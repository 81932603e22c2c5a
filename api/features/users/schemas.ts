import { z } from "@hono/zod-openapi";
import { locales } from "../../mail/mod.ts";
import { timestamp } from "../../openapi.ts";

export const userName = z.string().regex(
  /^[^\p{Cc}]{0,200}$/u,
  "must have at most 200 characters and no control characters",
);
export const locale = z.enum(locales).openapi({ description: "The language of e-mails" });
export const phone = z.string().regex(
  /^\+[1-9]\d{6,14}$/,
  "must be a number in the form of E.164: +, the country's code, at most 15 digits",
).openapi({ example: "+33612345678", maxLength: 16 }).nullable();
export const roleName = z.string().max(63).regex(/^[a-z][a-z0-9_-]*$/).openapi({
  description: "Name of a role of the tenant",
});

/** What may be changed of a user; a field that is left out stays. */
export const ownFields = {
  name: userName.exactOptional(),
  locale: locale.exactOptional(),
  phone: phone.exactOptional(),
};

export const userSchema = z.object({
  id: z.int(),
  email: z.string(),
  name: z.string(),
  status: z.enum(["active", "inactive"]),
  locale: z.enum(locales),
  phone: z.string().nullable(),
  email_verified_at: timestamp.nullable(),
  last_login_at: timestamp.nullable(),
  roles: z.array(z.string()).openapi({ description: "Those that have not ended" }),
  created_at: timestamp,
  updated_at: timestamp,
}).openapi("User");
