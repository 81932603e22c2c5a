import type { AddressPlan } from "../../lib/address.ts";

/** What the interface is to be, peers apart. */
export interface InterfaceSettings {
  readonly name: string;
  readonly listenPort: number;
  readonly mtu: number;
  /** CIDR of the tunnel network. */
  readonly network: string;
  /** Of the IPv6 network; null where there is none. */
  readonly network6: string | null;
  /** With their prefix; those of the gateway bring the routes. */
  readonly addresses: readonly string[];
  readonly apiPort: number;
}

/** The settings of the interface of a configuration: gateway with the network's prefix, API as one host. */
export function interfaceSettings(
  config: {
    interface: {
      name: string;
      listenPort: number;
      mtu: number;
      plan: Pick<AddressPlan, "network" | "prefixLength" | "gateway" | "api" | "six">;
    };
    apiPort: number;
  },
): InterfaceSettings {
  const { name, listenPort, mtu, plan } = config.interface;
  const { six } = plan;
  return {
    name,
    listenPort,
    mtu,
    network: plan.network,
    network6: six?.network ?? null,
    addresses: [
      `${plan.gateway}/${plan.prefixLength}`,
      `${plan.api}/32`,
      ...(six ? [`${six.gateway}/${six.prefixLength}`, `${six.api}/128`] : []),
    ],
    apiPort: config.apiPort,
  };
}
