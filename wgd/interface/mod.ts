import type { AddressPlan } from "../../lib/address.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { ProcessError, type RunProcess } from "../../lib/process.ts";
import type { GatewayKey } from "../gateway/key.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Command } from "../plan.ts";
import { createFirewall } from "./firewall.ts";
import { createIp, type Forwarding, type Link, type Look } from "./ip.ts";
import { createInKernel } from "./kernel.ts";
import type { Openings } from "./nft_openings.ts";
import { createInUserspace, type SpawnDetached, spawnDetached } from "./userspace.ts";
import { takeNameBack } from "./renamed.ts";
import { createWg, type Wg } from "./wg.ts";

export type Backend = "kernel" | "userspace";

/** What can be wrong with the interface itself, peers apart. */
export type InterfaceDrift =
  | "firewall"
  | "interface"
  | "name"
  | "private_key"
  | "listen_port"
  | "fwmark"
  | "mtu"
  | "address"
  | "route"
  | "link_down";

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

export interface Ensured {
  readonly observed: ObservedInterface;
  /** What was wrong and is right now. */
  readonly drift: readonly InterfaceDrift[];
  /** The interface did not exist, so that it has no peers yet. */
  readonly created: boolean;
  /** The firewall stands. Where it does not, nobody must be let in. */
  readonly guarded: boolean;
  /** What could not be put right, in plain words; the next call tries again. */
  readonly faults: readonly string[];
}

/** What tenants' peers may reach, by what is on the interface and whether the host forwards packets from it. */
export type OpeningsFor = (observed: ObservedInterface, forwards: Forwarding) => Openings;

/** How an interface and its firewall were found, before anything is put right. */
export interface Survey extends Look {
  readonly installed: boolean;
  /** Undefined where nothing is known of an earlier interface, or there is none now. */
  readonly observed: ObservedInterface | undefined;
}

/** The tunnel interface and its firewall: the daemon's only hand on the kernel. */
export interface TunnelInterface {
  readonly backend: Backend | null;
  /** Looks at everything, and changes nothing. */
  survey(): Promise<Survey>;
  /** Brings everything but the peers to what is set, and reads the interface back. */
  ensure(key: GatewayKey, openings: OpeningsFor, survey?: Survey): Promise<Ensured>;
  /**
   * Brings the rules to what tenants' peers may reach.
   * @returns the tenants whose rules nft refused
   * @throws {ProcessError} when nothing was changed
   */
  open(openings: OpeningsFor, observed: ObservedInterface): Promise<ReadonlySet<number>>;
  /**
   * Reads the interface back: all of it, or these peers alone, with the others as they were before.
   * @param how.expected lines that are as expected are taken from it; what it says decides nothing
   */
  observe(
    how?:
      | { publicKeys: Iterable<string>; before: ObservedInterface }
      | { expected: ObservedInterface },
  ): Promise<ObservedInterface>;
  /** Public keys that ever completed a handshake with this interface. */
  handshakes(): Promise<Set<string>>;
  apply(command: Command): Promise<void>;
}

export class InterfaceError extends Error {
  override name = "InterfaceError";
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

export function createTunnelInterface(
  settings: InterfaceSettings,
  { run, log, spawn = spawnDetached }: { run: RunProcess; log: Logger; spawn?: SpawnDetached },
): TunnelInterface {
  const { name } = settings;
  const wg = createWg(run, name);
  const ip = createIp(run, name);
  const firewall = createFirewall(run, {
    name,
    network: settings.network,
    network6: settings.network6,
    addresses: settings.addresses.map((address) => address.slice(0, address.indexOf("/"))),
    apiPort: settings.apiPort,
  });
  let backend: Backend | null = null;
  // The first pass builds what a reboot took away; only later is something missing drift.
  let builtOnce = false;
  let last: ObservedInterface | undefined;
  let forwards: Forwarding = { ipv4: false, ipv6: false };
  const dump = async () => last = await wg.dump(last);

  async function create(): Promise<void> {
    try {
      await createInKernel(ip);
      backend = "kernel";
    } catch (error) {
      // An `ip` that hangs or cannot be run says nothing about the kernel; the next pass asks again.
      if (!(error instanceof ProcessError) || error.failure !== "exit") throw error;
      log.info(
        "the kernel makes no WireGuard interface, wireguard-go is started",
        errorFields(error),
      );
      await createInUserspace({ name, wg, spawn });
      backend = "userspace";
    }
  }

  async function survey(): Promise<Survey> {
    const [installed, look, observed] = await Promise.all([
      firewall.isInstalled(),
      ip.look(),
      // The longest of them, where there is an interface; without one it fails.
      last && dump().catch(unlessThere),
    ]);
    return { ...look, installed, observed };
  }

  async function nameBack({ publicKey }: GatewayKey): Promise<boolean> {
    const [address] = settings.addresses;
    return address !== undefined &&
      await takeNameBack({ run, ip, name }, { address, publicKey });
  }

  function recognise(link: Link): Backend {
    if (link.kind === "wireguard") return "kernel";
    if (link.kind === "tun") return "userspace";
    throw new InterfaceError(
      `the interface name ${name} is taken by something that is not WireGuard (${
        link.kind || "no kind"
      })`,
    );
  }

  return {
    get backend() {
      return backend;
    },
    survey,
    async ensure(key, openings, early) {
      const drift = new Set<InterfaceDrift>();
      const faults: string[] = [];
      const repair = async (kind: InterfaceDrift, action: () => Promise<unknown>) => {
        try {
          await action();
          drift.add(kind);
          return true;
        } catch (error) {
          if (!(error instanceof ProcessError)) throw error;
          faults.push(`${kind} could not be put right: ${error.summary}`);
          log.warn("the interface could not be put right", { kind, ...errorFields(error) });
          return false;
        }
      };

      const { installed, link: found, ...seen } = early ?? await survey();
      forwards = seen.forwards;
      // Before any address: without it the API would answer whoever reaches the host.
      const guarded = installed ||
        await repair("firewall", async () => firewall.install(await openingsNow(found, openings)));
      let link = found;
      if (!link && await nameBack(key)) {
        drift.add("name");
        link = await ip.show();
      }
      const created = !link;
      if (!link) {
        await create();
        drift.add("interface");
        ({ link, forwards } = await ip.look());
        if (!link) throw new InterfaceError(`the interface ${name} vanished while it was made`);
      }
      backend = recognise(link);

      let observed = !created && seen.observed || await dump();
      const { privateKey } = key;
      const { listenPort } = settings;
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
      if (written) observed = await dump();
      if (guarded) await ensureLink(link, link === found ? seen.routes : null, repair);

      const counted = !builtOnce ? [] : created ? ["interface" as const] : [...drift];
      builtOnce = true;
      return { observed, drift: counted, created, guarded, faults };
    },
    observe: async (how) =>
      last = how && "publicKeys" in how
        ? await wg.dumpSome(how.publicKeys, how.before)
        : await wg.dump(how?.expected ?? last),
    handshakes: () => wg.handshakes(),
    apply: (command) => wg.apply(command),
    async open(openings, observed) {
      await firewall.open(openings(observed, forwards));
      return firewall.refused;
    },
  };

  /** What a table made anew must let through, so that its making cuts no flow; nothing where that is not known. */
  async function openingsNow(link: Link | null, openings: OpeningsFor): Promise<Openings> {
    try {
      if (link) return openings(await dump(), forwards);
    } catch (error) {
      log.warn("the interface cannot be read before its firewall is made", errorFields(error));
    }
    return new Map();
  }

  async function ensureLink(
    link: Link,
    routes: readonly string[] | null,
    repair: (kind: InterfaceDrift, action: () => Promise<unknown>) => Promise<boolean>,
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
}

/** For a look that may find nothing: what hangs is not asked twice. */
function unlessThere(error: unknown): undefined {
  if (!(error instanceof ProcessError && error.failure === "exit")) throw error;
}

/** Takes the tunnel down: peers first (a kernel of 6.1 needs 20 ms a peer otherwise), link, firewall. */
export async function removeTunnelInterface(name: string, run: RunProcess): Promise<void> {
  const ip = createIp(run, name);
  const link = await ip.show();
  if (link?.kind === "wireguard" || link?.kind === "tun") {
    await removePeers(createWg(run, name));
    await ip.remove();
  }
  const unused = { name, network: "", network6: null, addresses: [], apiPort: 0 };
  await createFirewall(run, unused).remove();
}

async function removePeers(wg: Wg): Promise<void> {
  let keys: string[];
  try {
    keys = [...(await wg.dump()).peers.keys()];
  } catch {
    // It does not answer any more; deleting the link ends it all the same.
    return;
  }
  for (let at = 0; at < keys.length; at += 1000) {
    const entries = keys.slice(at, at + 1000).map((publicKey) => ({
      kind: "remove" as const,
      publicKey,
    }));
    await wg.apply({ kind: "set", entries });
  }
}
