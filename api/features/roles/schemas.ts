import { z } from "@hono/zod-openapi";
import { type Permission, permissions } from "../../auth/permissions.ts";
import { timestamp } from "../../openapi.ts";
import type { RoleRow } from "./store.ts";

/** What a role of a tenant may have; the rest reaches beyond it. */
const tenantPermissions = permissions.filter((name) => !name.startsWith("platform."));

export const roleSchema = z.object({
  id: z.int(),
  name: z.string(),
  description: z.string(),
  system: z.boolean().openapi({
    description: "Every tenant has it, and it can be neither changed nor removed",
  }),
  permissions: z.array(z.string()),
  mfa_required: z.boolean().openapi({
    description:
      "A second factor is demanded of whoever has it; for those of the system the tenant says it",
  }),
  created_at: timestamp,
  updated_at: timestamp,
}).openapi("Role");

export const roleBody = z.strictObject({
  name: z.string().max(63).regex(
    /^[a-z][a-z0-9_-]{0,62}$/,
    "must have up to 63 small letters, digits, _ and -, a letter first",
  ).openapi({ example: "helpdesk" }),
  description: z.string().regex(
    /^[^\p{Cc}]{0,200}$/u,
    "must have at most 200 characters and no control characters",
  ).default(""),
  permissions: z.array(z.enum<Permission[]>(tenantPermissions)).max(permissions.length)
    .refine((names) => new Set(names).size === names.length, "must name each once"),
  mfa_required: z.boolean().default(false),
});

export function viewRole({ about, created_at, updated_at, ...row }: RoleRow) {
  return {
    ...row,
    description: about,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
  };
}
