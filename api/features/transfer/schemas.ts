import { z } from "@hono/zod-openapi";
import { isWireGuardKey } from "../../../lib/wireguard_key.ts";
import { peerName, peerStatuses, publicKey } from "../peers/mod.ts";
import { importReasons } from "./policy.ts";

export const importBody = z.strictObject({
  peers: z.array(z.strictObject({
    name: peerName,
    public_key: publicKey,
    preshared_key: z.string().refine(isWireGuardKey, "must be a WireGuard key")
      .openapi({ pattern: "^[A-Za-z0-9+/]{43}=$", maxLength: 44 }).nullable()
      .default(null),
    allowed_ips: z.array(
      z.string().max(49).regex(
        /^[0-9a-fA-F:.]{2,45}(\/\d{1,3})?$/,
        "must be an address or a network",
      ),
    ).max(64).openapi({ description: "As the other server had them for this peer" }),
  })).min(1).max(1000),
  renumber: z.boolean().default(false).openapi({
    description:
      "Gives a peer whose address cannot be kept another one; its client then needs that in its file",
  }),
  apply: z.boolean().default(false).openapi({
    description: "Without it nothing is changed, and the answer says what would be",
  }),
});
export type ImportBody = z.infer<typeof importBody>;

export const outcome = z.object({
  name: z.string(),
  public_key: z.string(),
  verdict: z.enum(["taken", "renumbered", "present", "refused"]).openapi({
    description: "`present`: the tenant has a peer of this key already, which is left as it is",
  }),
  reason: z.enum(importReasons).nullable().openapi({
    description: "Why it is refused, or why its address could not be kept",
  }),
  address: z.ipv4().nullable(),
  dropped_ips: z.array(z.string()),
  peer_id: z.uuid().nullable().openapi({ description: "Null where nothing was applied" }),
  status: z.enum(peerStatuses).nullable(),
});
export type Outcome = z.infer<typeof outcome>;
