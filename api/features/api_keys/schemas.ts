import { z } from "@hono/zod-openapi";
import { permissions } from "../../auth/permissions.ts";
import { timestamp } from "../../openapi.ts";
import type { ApiKeyRow } from "./store.ts";

/** The rest reaches beyond the tenant, and is no key's. */
const tenantPermissions = permissions.filter((name) => !name.startsWith("platform."));

const scopes = z.array(z.enum(tenantPermissions)).min(1).max(tenantPermissions.length)
  .openapi({
    description: "What the key may do, as far as its maker may",
    example: ["users.read"],
  });

export const createKeyBody = z.strictObject({
  name: z.string().regex(
    /^[^\p{Cc}]{1,64}$/u,
    "must have 1 to 64 characters and no control characters",
  ).openapi({ example: "backup script" }),
  scopes,
  expires_at: z.iso.datetime({ offset: true }).optional(),
  allowed_peers: z.array(z.uuid()).min(1).max(64).optional().openapi({
    description: "Peers of the tenant that it may come through, and no other way",
  }),
  rate_limit: z.int().min(1).max(1_000_000).optional().openapi({
    description: "Requests a minute, where fewer than everybody's are wanted",
  }),
});

export const rotateKeyBody = z.strictObject({
  overlap_seconds: z.int().min(0).max(7 * 86_400).default(86_400).openapi({
    description: "How long the secret before stays good; 0 for a key that is known to others",
  }),
});

/** Of the path of one key. */
export const keyPath = z.object({ id: z.uuid() });

export const apiKey = z.object({
  id: z.uuid(),
  name: z.string(),
  prefix: z.string(),
  user_id: z.int(),
  scopes: z.array(z.string()),
  allowed_peers: z.array(z.uuid()).nullable(),
  rate_limit: z.int().nullable(),
  created_at: timestamp,
  expires_at: timestamp.nullable(),
  revoked_at: timestamp.nullable(),
  last_used_at: timestamp.nullable().openapi({ description: "True to some seconds" }),
  previous_secret_until: timestamp.nullable(),
}).openapi("ApiKey");

/** @returns a key as it is shown, without its secret */
export function view(row: ApiKeyRow): z.infer<typeof apiKey> {
  const time = (date: Date | null) => date?.toISOString() ?? null;
  return {
    ...row,
    created_at: row.created_at.toISOString(),
    expires_at: time(row.expires_at),
    revoked_at: time(row.revoked_at),
    last_used_at: time(row.last_used_at),
    previous_secret_until: time(row.previous_secret_until),
  };
}

export const usage = z.object({
  day: z.iso.date(),
  endpoint: z.string(),
  requests: z.int(),
  errors: z.int(),
}).openapi("ApiKeyUsage");

export const createdKey = z.object({
  api_key: apiKey,
  key: z.string().nullable().openapi({
    description:
      "The key, shown this once. Null where the request was repeated and the key used, changed or ended in between",
  }),
});

export const shownOnce = z.object({
  api_key: apiKey,
  key: z.string().openapi({ description: "The key, shown this once" }),
});
