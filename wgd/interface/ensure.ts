import type { GatewayKey } from "../gateway/key.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Ip, Link } from "./ip.ts";
import type { Repair } from "./repair.ts";
import type { InterfaceSettings } from "./settings.ts";
import type { Wg } from "./wg.ts";

/** Brings what `wg` sets of the interface itself to what it is to be. @returns whether anything was written */
export async function ensureDevice(
  { wg, settings: { listenPort }, key }: { wg: Wg; settings: InterfaceSettings; key: GatewayKey },
  { observed, repair }: { observed: ObservedInterface; repair: Repair },
): Promise<boolean> {
  const { privateKey } = key;
  let written = false;
  if (observed.publicKey !== key.publicKey) {
    written = await repair("private_key", () => wg.setDevice({ privateKey }));
  }
  if (observed.listenPort !== listenPort) {
    written = await repair("listen_port", () => wg.setDevice({ listenPort })) || written;
  }
  if (observed.fwmark !== null) {
    written = await repair("fwmark", () => wg.setDevice({ fwmark: "off" })) || written;
  }
  return written;
}

/**
 * Brings the link, its addresses and their routes to what they are to be.
 * @param found.routes null where the link was only just made, or nothing is known of them
 */
export async function ensureLink(
  { ip, settings }: { ip: Ip; settings: InterfaceSettings },
  { link, routes, repair }: {
    link: Link;
    routes: readonly string[] | null;
    repair: Repair;
  },
): Promise<void> {
  const { addresses, mtu } = settings;
  if (link.mtu !== mtu) await repair("mtu", () => ip.setMtu(mtu));
  // Added before others are taken away: when the network has grown, the gateway's address stays throughout.
  const addMissing = async (found: readonly string[]) => {
    for (const address of addresses.filter((wanted) => !found.includes(wanted))) {
      await repair("address", () => ip.addAddress(address));
    }
  };
  await addMissing(link.addresses);
  const wrong = link.addresses.filter((found) => !addresses.includes(found));
  for (const address of wrong) await repair("address", () => ip.removeAddress(address));
  // The kernel takes an address away with the first one of its subnet.
  if (wrong.length > 0) await addMissing((await ip.show())?.addresses ?? addresses);
  if (!link.up) await repair("link_down", () => ip.setUp());
  // They come with addresses and go with the link: where those were put right, the next look tells.
  const isSettled = link.up && wrong.length === 0 &&
    addresses.every((address) => link.addresses.includes(address));
  if (!isSettled || !routes) return;
  const [gateway = ""] = addresses.map((address) => address.slice(0, address.indexOf("/")));
  for (const network of [settings.network, settings.network6]) {
    if (network === null || routes.includes(network)) continue;
    await repair("route", () => ip.setRoute(network, gateway));
  }
}
