import { z } from "zod";
import { ProcessError, type RunProcess } from "../../lib/process.ts";

/** A network interface as `ip` tells it. */
export interface Link {
  /** `wireguard` for the kernel's, `tun` for wireguard-go's; otherwise something else has the name. */
  readonly kind: string;
  readonly up: boolean;
  readonly mtu: number;
  /** Addresses with their prefix, such as `10.10.0.1/24`; not those that the kernel gives to any link. */
  readonly addresses: readonly string[];
}

/** Whether the kernel forwards packets that come in by an interface; false where there is no such interface. */
export interface Forwarding {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** Whether the host forwards the same families. */
export function isSameForwarding(a: Forwarding, b: Forwarding): boolean {
  return a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6;
}

/** What is looked at again and again. */
export interface Look {
  /** Null where there is no such interface. */
  readonly link: Link | null;
  readonly forwards: Forwarding;
  /** Networks that are reached by the interface itself, without a gateway; null where that is not known. */
  readonly routes: readonly string[] | null;
}

/** ip(8) on one interface. */
export interface Ip {
  /** All of it, by one call. */
  look(): Promise<Look>;
  /** Null where there is no such interface. */
  show(): Promise<Link | null>;
  forwards(): Promise<Forwarding>;
  /** The interfaces that have this address, whatever they are called. */
  namesWith(address: string): Promise<{ name: string; kind: string }[]>;
  /** Gives another interface this name. */
  rename(from: string): Promise<void>;
  addWireGuard(): Promise<void>;
  setMtu(mtu: number): Promise<void>;
  setUp(): Promise<void>;
  addAddress(address: string): Promise<void>;
  removeAddress(address: string): Promise<void>;
  /**
   * Puts a network's route in place as the kernel does with an address of it, whatever other interface has it.
   * @param source the host's own IPv4 address in the network; for IPv6 it is found by its prefix
   */
  setRoute(network: string, source: string): Promise<void>;
  remove(): Promise<void>;
}

const links = z.array(z.object({
  ifname: z.string().optional(),
  flags: z.array(z.string()).default([]),
  mtu: z.number().default(0),
  linkinfo: z.object({ info_kind: z.string().default("") }).optional(),
  addr_info: z.array(z.object({
    family: z.string().optional(),
    local: z.string().optional(),
    scope: z.string().optional(),
    prefixlen: z.number().optional(),
  })).default([]),
}));

const netconfs = z.array(z.object({
  family: z.string().optional(),
  interface: z.string().optional(),
  forwarding: z.boolean().default(false),
}));

const routes = z.array(z.object({
  type: z.string().default("unicast"),
  dst: z.string().optional(),
  gateway: z.string().optional(),
  table: z.string().default("main"),
}));

const maxOutputBytes = 16 * 1024 * 1024;

/** @param name of the interface that everything here is about */
export function createIp(run: RunProcess, name: string): Ip {
  const ip = (...args: string[]) => run("ip", args);
  const list = async (...filter: string[]): Promise<(Link & { name: string | undefined })[]> => {
    return readLinks(
      await run("ip", ["-json", "-details", "address", "show", ...filter], { maxOutputBytes }),
    );
  };
  const readLinks = (text: string) =>
    links.parse(JSON.parse(text || "[]")).map((found) => ({
      name: found.ifname,
      kind: found.linkinfo?.info_kind ?? "",
      up: found.flags.includes("UP"),
      mtu: found.mtu,
      addresses: found.addr_info
        .filter(({ family, scope }) => family === "inet" || scope !== "link")
        .map((address) => `${address.local}/${address.prefixlen}`),
    }));
  const readForwarding = (text: string): Forwarding => {
    const found = netconfs.parse(JSON.parse(text || "[]")).filter(({ forwarding }) => forwarding);
    const has = (family: string, on: string) =>
      found.some((conf) => conf.family === family && conf.interface === on);
    // IPv6 is forwarded between all interfaces or none, whatever one of them says.
    return { ipv4: has("inet", name), ipv6: has("inet6", "all") };
  };
  const readRoutes = (text: string) =>
    routes.parse(JSON.parse(text)).flatMap(({ type, dst, gateway, table }) =>
      type === "unicast" && table === "main" && dst && gateway === undefined ? [dst] : []
    );
  const named = (found: Awaited<ReturnType<typeof list>>) =>
    found.find((link) => link.name === name) ?? null;
  async function show() {
    try {
      return named(await list("dev", name));
    } catch (error) {
      if (!(error instanceof ProcessError) || error.failure !== "exit") throw error;
      // A name that does not exist and a failing `ip` both end with 1; the list of all tells them apart.
      return named(await list());
    }
  }

  async function forwards() {
    return readForwarding(await run("ip", ["-json", "netconf", "show"], { maxOutputBytes }));
  }

  /** Three looks for the price of one start of a program; undefined where one of them failed. */
  async function lookAtOnce(): Promise<Look | undefined> {
    const stdin = [`address show dev ${name}`, "netconf show", `route show table all dev ${name}`];
    try {
      const text = await run("ip", ["-json", "-details", "-batch", "-"], {
        stdin: `${stdin.join("\n")}\n`,
        maxOutputBytes,
      });
      const [address, netconf, route, ...rest] = text.trimEnd().split("\n");
      if (!address || !netconf || !route || rest.length > 0) return undefined;
      return {
        link: named(readLinks(address)),
        forwards: readForwarding(netconf),
        routes: readRoutes(route),
      };
    } catch (error) {
      if (!(error instanceof ProcessError) || error.failure !== "exit") throw error;
    }
  }

  return {
    async look() {
      const found = await lookAtOnce();
      if (found) return found;
      const [link, forwarding] = await Promise.all([show(), forwards()]);
      return { link, forwards: forwarding, routes: null };
    },
    show,
    forwards,
    async namesWith(address) {
      return (await list()).flatMap(({ name, kind, addresses }) =>
        name !== undefined && addresses.includes(address) ? [{ name, kind }] : []
      );
    },
    async rename(from) {
      try {
        await ip("link", "set", "dev", from, "name", name);
      } catch (error) {
        if (!(error instanceof ProcessError) || error.failure !== "exit") throw error;
        // Before Linux 6.2 an interface has to be down for it.
        await ip("link", "set", "dev", from, "down");
        await ip("link", "set", "dev", from, "name", name);
      }
    },
    async addWireGuard() {
      await ip("link", "add", "dev", name, "type", "wireguard");
    },
    async setMtu(mtu) {
      await ip("link", "set", "dev", name, "mtu", String(mtu));
    },
    async setUp() {
      await ip("link", "set", "dev", name, "up");
    },
    async addAddress(address) {
      await ip("address", "add", address, "dev", name, ...(address.includes(":") ? ["nodad"] : []));
    },
    async removeAddress(address) {
      await ip("address", "delete", address, "dev", name);
    },
    async setRoute(network, source) {
      const route = ["route", "replace", network, "dev", name, "proto", "kernel"];
      const six = ["metric", "256"];
      await ip(...route, ...(network.includes(":") ? six : ["scope", "link", "src", source]));
    },
    async remove() {
      await ip("link", "delete", "dev", name);
    },
  };
}
