import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { inTime } from "../../../lib/in_time.ts";
import { overlap, parseAnyNetwork } from "../../../lib/network.ts";
import type { ApiConfig } from "../../config.ts";

/** A host that this installation itself rests on, and the setting that names it. */
export interface Dependency {
  setting: string;
  host: string;
}

/** @returns the addresses of a name, as the system finds them when it connects */
export type Resolve = (host: string) => Promise<string[]>;

/** Longer is not waited for a name. */
const patienceMs = 2_000;

const resolveBySystem: Resolve = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address);

/** Database, Redis and mail server, where they are not sockets of this host. */
export function dependenciesOf(
  config: Pick<ApiConfig, "database" | "redis" | "mail">,
): Dependency[] {
  const { database, redis, mail } = config;
  const urls = {
    DATABASE_URL: database.url,
    DATABASE_PLATFORM_URL: database.platformUrl,
    DATABASE_DIRECT_URL: database.directUrl,
    REDIS_URL: redis?.url,
    SMTP_URL: mail.smtp?.url,
  };
  return Object.entries(urls).flatMap(([setting, secret]) => {
    const url = secret && new URL(secret.reveal());
    if (!url || url.searchParams.has("host")) return [];
    const hosts = url.hostname.replace(/^\[(.*)\]$/, "$1").split(",").filter((host) => host !== "");
    return hosts.map((host) => ({ setting, host }));
  });
}

/**
 * Why a network must not be led into: an address in it is that of what this installation rests on. What cannot be told
 * counts as such.
 * @returns in plain words, null where it is none; no name and no address of the operator is in it
 */
export type Infrastructure = (network: string) => Promise<string | null>;

/** Names are asked for anew each time: they move. */
export function createInfrastructure(
  dependencies: readonly Dependency[],
  { resolve = resolveBySystem, timeoutMs = patienceMs }: { resolve?: Resolve; timeoutMs?: number } =
    {},
): Infrastructure {
  async function faultOf({ setting, host }: Dependency, network: string): Promise<string | null> {
    const asked = parseAnyNetwork(network);
    const addresses = isIP(host) ? [host] : await answeredOrNone(resolve(host), timeoutMs);
    const found = addresses.map(parseAnyNetwork);
    if (!asked || found.length === 0 || found.includes(undefined)) {
      return `may hold the host of ${setting}, whose name is not found`;
    }
    return found.some((one) => one && overlap(one, asked)) ? `holds the host of ${setting}` : null;
  }
  return async (network) => {
    const faults = await Promise.all(dependencies.map((each) => faultOf(each, network)));
    return faults.find((fault) => fault !== null) ?? null;
  };
}

/** Nothing where the answer failed or was late. */
function answeredOrNone(answer: Promise<string[]>, ms: number): Promise<string[]> {
  return inTime(answer, { ms, late: () => new Error("the name is not found in time") })
    .catch(() => []);
}
