import { BlockList, isIPv6 } from "node:net";
import type { Secret } from "../../../lib/secret.ts";

/** What goes into a client's file. */
export interface ClientConfig {
  peerName: string;
  /** Null where the caller keeps its own. */
  privateKey: Secret<string> | null;
  presharedKey: Secret<string> | null;
  /** Of the peer, without prefix lengths. */
  addresses: readonly string[];
  mtu: number | null;
  dns: readonly string[];
  gatewayPublicKey: string;
  endpoint: string;
  allowedIps: readonly string[];
  persistentKeepalive: number | null;
}

/** The file as wg-quick(8) reads it. Values come from the database's own types; only the name is free text. */
export function renderClientConfig(config: ClientConfig): string {
  const lines = [
    // One line, printable ASCII: nothing in a name can end the comment.
    `# MassaCorp: ${config.peerName.replace(/[^ -~]/g, "?")}`,
    "[Interface]",
    config.privateKey
      ? `PrivateKey = ${config.privateKey.reveal()}`
      : "# PrivateKey = (yours: you brought your own key, and we never saw its private half)",
    `Address = ${config.addresses.map(hostRoute).join(", ")}`,
    ...(config.mtu === null ? [] : [`MTU = ${config.mtu}`]),
    ...(config.dns.length === 0 ? [] : [`DNS = ${config.dns.join(", ")}`]),
    "",
    "[Peer]",
    `PublicKey = ${config.gatewayPublicKey}`,
    ...(config.presharedKey ? [`PresharedKey = ${config.presharedKey.reveal()}`] : []),
    `AllowedIPs = ${config.allowedIps.join(", ")}`,
    `Endpoint = ${config.endpoint}`,
    ...(config.persistentKeepalive ? [`PersistentKeepalive = ${config.persistentKeepalive}`] : []),
  ];
  return lines.join("\n") + "\n";
}

/** The network of one address alone. */
export function hostRoute(address: string): string {
  return `${address}/${isIPv6(address) ? 128 : 32}`;
}

/**
 * Finds resolvers that the client would look for inside the tunnel, where a peer reaches the API and
 * nothing else: a phone with such a file would resolve no name at all.
 */
export function unreachableResolvers(
  dns: readonly string[],
  routes: readonly string[],
): string[] {
  const tunnelled = new BlockList();
  for (const route of routes) {
    const [network = "", prefix = ""] = route.split("/");
    const family = isIPv6(network) ? "ipv6" : "ipv4";
    tunnelled.addSubnet(network, prefix ? Number(prefix) : family === "ipv6" ? 128 : 32, family);
  }
  return dns.filter((address) => tunnelled.check(address, isIPv6(address) ? "ipv6" : "ipv4"));
}
