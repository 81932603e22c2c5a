import { errorFields, type Logger } from "../../lib/log.ts";
import { ProcessError, type RunProcess } from "../../lib/process.ts";
import type { GatewayKey } from "../gateway/key.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Command } from "../plan.ts";
import { ensureDevice, ensureLink } from "./ensure.ts";
import { createFirewall } from "./firewall.ts";
import { createIp, type Forwarding, type Link, type Look } from "./ip.ts";
import { createInKernel } from "./kernel.ts";
import type { Openings } from "./nft_openings.ts";
import { takeNameBack } from "./renamed.ts";
import { createRepairs, type InterfaceDrift } from "./repair.ts";
import type { InterfaceSettings } from "./settings.ts";
import { createInUserspace, type SpawnDetached, spawnDetached } from "./userspace.ts";
import { createWg } from "./wg.ts";

export type Backend = "kernel" | "userspace";

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
      const { drift, faults, repair } = createRepairs(log);
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
      if (await ensureDevice({ wg, settings, key }, { observed, repair })) observed = await dump();
      if (guarded) {
        const routes = link === found ? seen.routes : null;
        await ensureLink({ ip, settings }, { link, routes, repair });
      }

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
}

/** For a look that may find nothing: what hangs is not asked twice. */
function unlessThere(error: unknown): undefined {
  if (!(error instanceof ProcessError && error.failure === "exit")) throw error;
}
