import type { NewPeer } from "../../api/features/peers/store.ts";

/** A peer as the API inserts one, with nothing that it need not have, but for what a test says. */
export function newPeer(of: Pick<NewPeer, "tenantId" | "publicKey"> & Partial<NewPeer>): NewPeer {
  return {
    id: crypto.randomUUID(),
    interfaceId: 1,
    userId: null,
    name: "peer",
    kind: "permanent",
    presharedKey: null,
    expiresAt: null,
    clientAllowedIps: null,
    dns: null,
    mtu: null,
    persistentKeepalive: null,
    at: new Date(),
    ...of,
  };
}
