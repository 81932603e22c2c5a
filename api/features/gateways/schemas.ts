import { z } from "@hono/zod-openapi";
import { addressPlan } from "../../../lib/address.ts";
import { timestamp } from "../../openapi.ts";
import { gatewayStates } from "./policy.ts";

export const gatewayNumber = z.int().min(1).max(32767);

/** In a path, where a number that cannot be one is an unknown gateway. */
export const gatewayId = z.object({
  id: z.string().regex(/^[1-9]\d{0,4}$/).transform(Number).pipe(gatewayNumber).openapi({
    type: "integer",
    minimum: 1,
    maximum: 32767,
    param: { name: "id", in: "path" },
  }),
});

export const gatewaySchema = z.object({
  id: gatewayNumber.openapi({ description: "WG_INTERFACE_ID of its daemon" }),
  name: z.string(),
  endpoint: z.string().openapi({ description: "host:port that clients dial" }),
  network: z.string(),
  network6: z.string().nullable(),
  public_key: z.string().nullable().openapi({
    description: "Null until its daemon was started once",
  }),
  state: z.enum(gatewayStates).openapi({
    description:
      "`up`: its daemon has a session at the database and has read its interface back within a minute; `stalled`: a session alone; `down`: no session, while the tunnel may go on as it was; `announced`: its daemon was never started; `retired`: out of use",
  }),
  accepts_peers: z.boolean().openapi({
    description: "Whether new peers may come; those that are there stay",
  }),
  last_read_back_at: timestamp.nullable().openapi({
    description: "As its daemon says while it lives; null otherwise",
  }),
  addresses: z.object({ size: z.int(), used: z.int(), free: z.int() }).nullable().openapi({
    description: "Of all tenants, for the operator; null for everybody else",
  }),
}).openapi("Gateway");

function isNetwork(text: string): boolean {
  try {
    addressPlan(text);
    return true;
  } catch {
    return false;
  }
}

const name = z.string().regex(
  /^[a-zA-Z0-9_=+.-]{1,15}$/,
  "must be a Linux interface name of at most 15 characters",
).openapi({ example: "wg1" });
const endpoint = z.string().max(259).regex(
  /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]{1,253})(:[1-9]\d{0,4})?$/,
  "must be host or host:port as clients dial it",
).refine((text) => Number(/:(\d+)$/.exec(text)?.[1] ?? 1) <= 65535, "has no such port")
  .openapi({ example: "vpn2.example.com:51820" });
/** Filled in one request; a wider network is published by a daemon of its own accord. */
const widest = 16;

export const announceGatewayBody = z.strictObject({
  name,
  endpoint,
  network: z.string().max(18).regex(/^[\d.]+\/\d{1,2}$/, "must be an IPv4 network in CIDR form")
    .refine(isNetwork, "must be a network of a /28 at least, with no bits set beyond its prefix")
    .refine((text) => Number(text.split("/")[1]) >= widest, `must not be wider than /${widest}`)
    .openapi({ example: "192.168.77.0/24" }),
  network6: z.cidrv6().exactOptional().openapi({ description: "A ULA /64" }),
  listen_port: z.int().min(1).max(65535).default(51820),
  mtu: z.int().min(1280).max(9000).default(1420),
});

export const changeGatewayBody = z.strictObject({ accepts_peers: z.boolean() });
