import { createMiddleware } from "hono/factory";
import { isWithin, type Network, plainAddress } from "../../lib/network.ts";
import type { AppEnv } from "../context.ts";

/**
 * Whose address a request speaks from, where proxies stand in between: the first from the right end of
 * `X-Forwarded-For` that is no proxy of ours. Each proxy appends the address that it was called from, so all to
 * the left of it is its own word, which anybody can say; it is not even read.
 *
 * @param remote the address that the connection came from
 * @returns null where a trusted proxy does not say it in full: never the proxy's own address
 */
export function sourceAddress(
  remote: string | null,
  forwardedFor: string | undefined,
  proxies: readonly Network[],
): string | null {
  if (remote === null || !isWithin(proxies, remote)) return remote;
  const hops = forwardedFor?.split(",") ?? [];
  for (let hop = hops.pop(); hop !== undefined; hop = hops.pop()) {
    const address = plainAddress(hop.replace(/^[ \t]+|[ \t]+$/g, ""));
    if (address === undefined) return null;
    if (!isWithin(proxies, address)) return address;
  }
  return null;
}

/** How a proxy of ours was spoken to, by its own word: the last one. Nobody else's word counts. */
function sourceScheme(
  remote: string | null,
  forwardedProto: string | undefined,
  proxies: readonly Network[],
): "http" | "https" | undefined {
  if (remote === null || forwardedProto === undefined || !isWithin(proxies, remote)) return;
  const said = forwardedProto.slice(forwardedProto.lastIndexOf(",") + 1).trim().toLowerCase();
  return said === "http" || said === "https" ? said : undefined;
}

/** Looks behind the proxies of the configuration before anything asks where a request comes from. */
export function source(deps: { settings: { trustedProxies: readonly Network[] } }) {
  const { trustedProxies } = deps.settings;
  return createMiddleware<AppEnv>((c, next) => {
    const { listener, address, tls } = c.env;
    const scheme = tls
      ? "https"
      : sourceScheme(address, c.req.header("x-forwarded-proto"), trustedProxies);
    if (scheme) c.set("scheme", scheme);
    if (listener === "tunnel" && trustedProxies.length > 0) {
      const forwardedFor = c.req.header("x-forwarded-for");
      c.env = { ...c.env, address: sourceAddress(address, forwardedFor, trustedProxies) };
    }
    return next();
  });
}
