import { z } from "@hono/zod-openapi";
import { isNetwork } from "../../../lib/network.ts";
import { timestamp } from "../../openapi.ts";
import { parsePorts, protocols } from "./reach.ts";

const name = z.string().regex(
  /^[^\p{Cc}\u2028\u2029]{1,64}$/u,
  "must have 1 to 64 characters and no control characters",
);
const network = z.string().max(49).refine(
  isNetwork,
  "must be a network in CIDR form with no bits set beyond its prefix",
).openapi({ example: "192.168.20.0/24", pattern: "^[0-9a-fA-F.:]+/\\d{1,3}$" });
const ports = z.string().refine(
  (text) => parsePorts(text) !== undefined,
  "must be a port or a range such as 8000-8100",
).openapi({ example: "443", pattern: "^\\d{1,5}(-\\d{1,5})?$", maxLength: 11 });
const protocol = z.enum(protocols);
const id = z.uuid().toLowerCase();

export const grantId = z.object({ id: id.openapi({ param: { name: "id", in: "path" } }) });

export const createGrantBody = z.strictObject({
  name,
  network: network.openapi({
    description:
      "Not wider than /8 (IPv6: /16), and never a tunnel's own, loopback, link-local, multicast, reserved or metadata addresses",
  }),
  protocol,
  ports: ports.exactOptional().openapi({ description: "Of TCP or UDP; every port where absent" }),
});

export const grantSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  network: z.string(),
  protocol,
  ports: z.string().nullable().openapi({ description: "Null for every port" }),
  created_at: timestamp,
}).openapi("WireGuardGrant");

/** Entries of one kind in a policy. */
const maxEntries = 128;

export const policyBody = z.strictObject({
  peer_to_peer: z.boolean().openapi({
    description: "Every peer of the tenant reaches every other of its gateway, on every port",
  }),
  services: z.array(z.strictObject({
    name,
    peer_id: id.openapi({ description: "A permanent peer of the tenant" }),
    protocol: z.enum(["tcp", "udp"]),
    ports,
  })).max(maxEntries).openapi({
    description: "Ports of one peer that every peer of the tenant on the same gateway reaches",
  }),
  routes: z.array(z.strictObject({
    grant_id: id,
    network: network.exactOptional(),
    protocol: protocol.exactOptional(),
    ports: ports.exactOptional(),
  })).max(maxEntries).openapi({
    description:
      "Destinations outside of the tunnel that every peer of the tenant reaches; each rests on a grant, is that grant where a field is absent, and goes with it",
  }),
});
export type PolicyBody = z.infer<typeof policyBody>;

export const policySchema = z.object({
  version: z.int().openapi({ description: "0 where none was ever set" }),
  status: z.enum(["applied", "pending", "rejected"]).openapi({
    description:
      "`applied`: every gateway that the tenant has peers on has this very version in the kernel's rules; `rejected`: at least one of them has nothing of it in force, and nothing of an earlier one",
  }),
  error: z.string().nullable().openapi({
    description: "Why it was rejected, in plain words; with several gateways, by which",
  }),
  gateways: z.array(z.object({
    gateway_id: z.int(),
    name: z.string(),
    status: z.enum(["applied", "pending", "rejected"]),
    error: z.string().nullable(),
  })).openapi({
    description:
      "Each gateway that has peers of the tenant, or whose interface was not yet read back without those it had",
  }),
  warnings: z.array(z.object({
    path: z.string(),
    code: z.enum(["same_gateway_only"]),
    message: z.string(),
  })).openapi({
    description:
      "What cannot hold for all of the tenant's peers as they are placed now: gateways do not route to one another, so peers reach only those of their own",
  }),
  peer_to_peer: z.boolean(),
  services: z.array(z.object({
    name: z.string(),
    peer_id: z.uuid(),
    protocol: z.enum(["tcp", "udp"]),
    ports: z.string(),
  })),
  routes: z.array(z.object({
    grant_id: z.uuid(),
    network: z.string(),
    protocol,
    ports: z.string().nullable(),
  })),
  updated_at: timestamp.nullable(),
}).openapi("WireGuardPolicy");
export type PolicyView = z.infer<typeof policySchema>;
