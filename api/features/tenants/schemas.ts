import { z } from "@hono/zod-openapi";
import { passwordPolicies } from "../../auth/password_rules.ts";
import { timestamp } from "../../openapi.ts";
import { clientSettings } from "../peers/mod.ts";

export const tenantSchema = z.object({
  id: z.int(),
  slug: z.string(),
  name: z.string(),
  status: z.enum(["active", "suspended"]),
  is_platform: z.boolean(),
  created_at: timestamp,
}).openapi("Tenant");

export const tenantName = z.string().regex(
  /^[^\p{Cc}]{1,200}$/u,
  "must have 1 to 200 characters and no control characters",
);

export const peerQuota = z.int().min(0).max(2 ** 20).nullable().openapi({
  description:
    "Addresses the tenant may hold, those of removed peers included until they have rested; the operator sets it. Null: the share of the pool that WG_TENANT_SHARE gives",
});

/** With what the operator sets. */
export const settledTenantSchema = tenantSchema.extend({ peer_quota: peerQuota });

export function viewTenant<T extends { created_at: Date }>({ created_at, ...row }: T) {
  return { ...row, created_at: created_at.toISOString() };
}

const { client_allowed_ips, dns, mtu, persistent_keepalive } = clientSettings;

/** What a tenant sets for clients of peers that set nothing of their own. */
const wireguardDefaults = {
  client_allowed_ips: client_allowed_ips.nullable(),
  dns: dns.nullable(),
  mtu: mtu.nullable(),
  persistent_keepalive: persistent_keepalive.nullable(),
  gateway_id: z.int().min(1).max(32767).nullable().openapi({
    description:
      "Where new peers go while it is up; null for the gateway that has the most free addresses",
  }),
};

const seconds = z.int().min(3600).max(30 * 86400).nullable();

const sessionRules = {
  session_limit: z.int().min(1).max(1000).nullable().openapi({
    description:
      "Sessions that a user may have at a time; the one unused for longest ends. Null: any number",
  }),
  session_idle_seconds: seconds.openapi({
    description:
      "How long a session lives without being refreshed; null, and at most: the server's setting",
  }),
  session_lifetime_seconds: seconds.openapi({
    description: "How long a session lives at all; null, and at most: the server's setting",
  }),
};

const passwordPolicy = z.enum(passwordPolicies).openapi({
  description:
    "What a new password must have. composition: 8 characters of four kinds; length: 15 of any kind",
});

const mfaRules = {
  mfa_required: z.enum(["off", "admins", "all"]).openapi({
    description:
      "Of whom a second factor is demanded, beside the users and roles of whom it is demanded by themselves",
  }),
  mfa_trusted_devices: z.boolean().openapi({
    description:
      "A user may have a device trusted for 30 days; false takes back the trust in all, for good",
  }),
};

const registration = z.enum(["off", "invite", "open"]).openapi({
  description: "Who may register: nobody, whoever has an open invitation, or everybody",
});

export const currentTenant = tenantSchema.extend({
  wireguard: z.object(wireguardDefaults),
  user_peer_quota: z.int().openapi({ description: "Peers a user may make in self-service" }),
  login_own_peer: z.boolean().openapi({
    description: "A user logs in through a peer of his own, and through no other",
  }),
  ...sessionRules,
  ...mfaRules,
  password_policy: passwordPolicy,
  registration,
  peer_quota: peerQuota,
}).openapi("CurrentTenant");

export const updateTenantBody = z.strictObject({
  wireguard: z.strictObject({
    client_allowed_ips: wireguardDefaults.client_allowed_ips.exactOptional(),
    dns: wireguardDefaults.dns.exactOptional(),
    mtu: wireguardDefaults.mtu.exactOptional(),
    persistent_keepalive: wireguardDefaults.persistent_keepalive.exactOptional(),
    gateway_id: wireguardDefaults.gateway_id.exactOptional(),
  }).exactOptional(),
  user_peer_quota: z.int().min(0).max(1000).exactOptional(),
  login_own_peer: z.boolean().exactOptional(),
  session_limit: sessionRules.session_limit.exactOptional(),
  session_idle_seconds: sessionRules.session_idle_seconds.exactOptional(),
  session_lifetime_seconds: sessionRules.session_lifetime_seconds.exactOptional(),
  mfa_required: mfaRules.mfa_required.exactOptional(),
  mfa_trusted_devices: mfaRules.mfa_trusted_devices.exactOptional(),
  password_policy: passwordPolicy.exactOptional(),
  registration: registration.exactOptional(),
});
