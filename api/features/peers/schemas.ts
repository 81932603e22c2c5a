import { z } from "@hono/zod-openapi";
import { isWireGuardKey } from "../../../lib/wireguard_key.ts";
import { timestamp } from "../../openapi.ts";
import { peerStatuses } from "./policy.ts";
import { deciders } from "./scope.ts";

export const publicKey = z.string()
  .refine(isWireGuardKey, "must be a WireGuard key: the base64 of 32 bytes")
  .refine((key) => !/^A{42}A=$/.test(key), "is the all-zero key")
  .openapi({
    example: "j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=",
    pattern: "^[A-Za-z0-9+/]{43}=$",
    maxLength: 44,
  });

export const peerName = z.string().regex(
  /^[^\p{Cc}\u2028\u2029]{1,64}$/u,
  "must have 1 to 64 characters and no control characters",
).openapi({ example: "ada-laptop" });

const name = peerName;

const cidr = z.union([z.cidrv4(), z.cidrv6()], "must be a network in CIDR form");
const address = z.union([z.ipv4(), z.ipv6()], "must be an IP address");

const keyChoice = {
  public_key: publicKey.optional().openapi({
    description:
      "Your own key; without it the server makes a pair and returns the private half once",
  }),
  preshared_key: z.boolean().default(true),
  delivery: z.enum(["inline", "link"]).default("inline").openapi({
    description: "`link` answers a one-time token for the file instead of the file",
  }),
};

const owner = z.int().positive().max(2 ** 31 - 1).openapi({
  description: "The user it belongs to; a peer without one is a machine's",
});
const expiry = z.iso.datetime({ offset: true });

/** What only shapes the client's file. */
export const clientSettings = {
  client_allowed_ips: z.array(cidr).min(1).max(64).openapi({
    description:
      "What the client routes into the tunnel; the tenant's default, or the API and the gateway, where absent. The server routes to a peer its own address and nothing else.",
  }),
  dns: z.array(address).max(8),
  mtu: z.int().min(1280).max(9000),
  persistent_keepalive: z.int().min(0).max(65535),
};
const { client_allowed_ips, dns, mtu, persistent_keepalive } = clientSettings;

const gatewayChoice = z.int().min(1).max(32767);

export const movePeerBody = z.strictObject({ ...keyChoice, gateway_id: gatewayChoice });

export const placeChoice = gatewayChoice.exactOptional().openapi({
  description:
    "Where it goes; else to the tenant's default gateway, or to the one that is up and has the most free addresses",
});

const created = {
  name,
  ...keyChoice,
  client_allowed_ips: client_allowed_ips.exactOptional(),
  dns: dns.exactOptional(),
  mtu: mtu.exactOptional(),
  persistent_keepalive: persistent_keepalive.exactOptional(),
  expires_at: expiry.exactOptional(),
  gateway_id: placeChoice,
};
export const createPeerBody = z.strictObject({
  ...created,
  user_id: owner.exactOptional(),
  kind: z.enum(["permanent", "enrolment"]).exactOptional().openapi({
    description: "`enrolment`: for at most 24 hours, and for nothing but getting a permanent peer",
  }),
});
/** One of many; a file for each by mail would be a bad habit, so there is no link. */
export const bulkPeerBody = createPeerBody.omit({
  kind: true,
  delivery: true,
  gateway_id: true,
});
/** In self-service the owner is the caller. */
export const createOwnPeerBody: z.ZodType<z.infer<typeof createPeerBody>> = z.strictObject(created);

const updated = {
  name: name.exactOptional(),
  client_allowed_ips: client_allowed_ips.nullable().exactOptional(),
  dns: dns.nullable().exactOptional(),
  mtu: mtu.nullable().exactOptional(),
  persistent_keepalive: persistent_keepalive.nullable().exactOptional(),
  expires_at: expiry.nullable().exactOptional(),
};
export const updatePeerBody = z.strictObject({
  ...updated,
  user_id: owner.nullable().exactOptional(),
});
export const updateOwnPeerBody: z.ZodType<z.infer<typeof updatePeerBody>> = z.strictObject(updated);

export const rotatePeerBody = z.strictObject({
  ...keyChoice,
  overlap_seconds: z.int().min(0).max(7 * 86400).default(3600).openapi({
    description:
      "How long the old key goes on until the new one's first handshake; then, or at the end of that time, it is dead. 0: at once, for a key that somebody else may have",
  }),
});

export const peerSchema = z.object({
  id: z.uuid(),
  name: z.string(),
  tenant_id: z.int(),
  user_id: z.int().nullable(),
  kind: z.enum(["permanent", "enrolment"]),
  public_key: z.string(),
  has_preshared_key: z.boolean(),
  rotation: z.object({ successor_public_key: z.string(), deadline: timestamp }).nullable().openapi({
    description:
      "While a new key waits: it takes over with its first handshake, or at the deadline",
  }),
  gateway_id: z.int().openapi({ description: "The gateway that it is on" }),
  moved_from: z.object({ gateway_id: z.int(), address: z.ipv4() }).nullable().openapi({
    description:
      "The gateway that it left, until that was read back without its key; the address is held for as long",
  }),
  address: z.ipv4(),
  address6: z.ipv6().exactOptional().openapi({
    description: "Where the tunnel has IPv6: the prefix and the offset of `address` in its network",
  }),
  status: z.enum(peerStatuses).openapi({
    description:
      "`active` once `wg` accepted this very state, which the next full pass reads back; `disabled` and `expired` only once the interface was read back without the peer",
  }),
  status_reason: z.string().nullable().openapi({
    description: "Why it is not on the interface as desired, in plain words",
  }),
  enabled: z.boolean(),
  disabled_by: z.enum(deciders).nullable().openapi({
    description: "Null while it is enabled. What an admin disabled, its owner cannot enable",
  }),
  expires_at: timestamp.nullable(),
  expiry_set_by: z.enum(deciders).nullable().openapi({
    description: "What an admin set, the owner may bring forward, and not lift or put off",
  }),
  applied_at: timestamp.nullable(),
  last_handshake_at: timestamp.nullable(),
  online: z.boolean().openapi({ description: "Its last handshake is less than 180 s old" }),
  client_allowed_ips: z.array(z.string()).nullable(),
  dns: z.array(z.string()).nullable(),
  mtu: z.int().nullable(),
  persistent_keepalive: z.int().nullable(),
  created_at: timestamp,
  updated_at: timestamp,
}).openapi("Peer");
export type PeerView = z.infer<typeof peerSchema>;

/** For its owner and who may read peers, whatever else somebody may do with it. */
export const readPeerSchema = peerSchema.extend({
  endpoint: z.string().nullable().openapi({
    description: "The client's address outside the tunnel that it spoke from last",
  }),
}).openapi("PeerWithEndpoint");
export type ReadPeerView = z.infer<typeof readPeerSchema>;

export const provisionedPeer = z.object({
  peer: peerSchema,
  config: z.string().nullable().openapi({
    description:
      "The client's file for wg-quick, shown this once; null where it waits for delivery",
  }),
  qr: z.object({ svg: z.string() }).nullable().openapi({
    description:
      "The file as a QR code; null where the private key is the caller's own, or the file waits",
  }),
  delivery: z.object({ token: z.string(), expires_at: timestamp }).nullable().openapi({
    description: "What fetches the file once: `POST /api/v1/wireguard/deliveries`",
  }),
}).openapi("ProvisionedPeer");

/** The representations of a provisioned peer, the JSON one being the default. */
export function provisionedResponse(description: string) {
  return {
    description,
    content: {
      "application/json": { schema: provisionedPeer },
      "text/plain": { schema: z.string() },
      "image/svg+xml": { schema: z.string() },
      "image/png": { schema: z.string().openapi({ format: "binary" }) },
    },
  };
}

/** In the one form that the daemon and the audit log know it by: a UUID has two spellings. */
export const peerId = z.object({
  id: z.uuid().toLowerCase().openapi({ param: { name: "id", in: "path" } }),
});
