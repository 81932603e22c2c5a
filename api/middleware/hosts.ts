import { createMiddleware } from "hono/factory";
import { plainAddress } from "../../lib/network.ts";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";

/**
 * The host of an authority such as `10.10.0.1:8000` or `[fd00::1]`, lower case and without its port.
 * @returns undefined for what is no host, with a user, a path or a space in it among others
 */
export function hostOf(authority: string): string | undefined {
  const [, six, name] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::\d{1,5})?$/i.exec(authority) ??
    [];
  return six === undefined ? name?.toLowerCase() : plainAddress(six);
}

/** What stands between the scheme and the path: the Host field, an absolute request target or HTTP/2's `:authority`. */
function authorityOf(url: string): string {
  const from = url.indexOf("://") + 3;
  const to = url.indexOf("/", from);
  return url.slice(from, to === -1 ? undefined : to);
}

/**
 * Answers to its own names alone. A page of a stranger's whose name leads to the API (DNS rebinding) would
 * otherwise speak through its visitor's tunnel as if it stood here. The operator's socket has no name.
 * @param deps.settings.allowedHosts as `hostOf` writes them
 */
export function trustedHosts(deps: { settings: { allowedHosts: ReadonlySet<string> } }) {
  const { allowedHosts } = deps.settings;
  return createMiddleware<AppEnv>((c, next) => {
    if (c.env.listener !== "operator") {
      const field = c.req.header("host");
      const authority = authorityOf(c.req.url);
      const host = hostOf(authority);
      // An absolute request target that differs from the Host field is two opinions of where this leads.
      if (host === undefined || !allowedHosts.has(host) || (field ?? authority) !== authority) {
        throw new ApiError("unknown_host");
      }
    }
    return next();
  });
}
