import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";

/**
 * Leads to HTTPS what a proxy of ours took in the clear, where the public origin is HTTPS. The way goes to that origin
 * and never to a name of the caller's. What carries credentials or changes something is refused instead: it was
 * already readable, and a redirect would let its sender go on like that unawares.
 */
export function httpsOnly({ settings: { publicUrl } }: { settings: { publicUrl: string } }) {
  if (!publicUrl.startsWith("https:")) return createMiddleware<AppEnv>((_, next) => next());
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.get("scheme") !== "http") return await next();
    const careless = c.req.header("authorization") ?? c.req.header("x-api-key");
    if ((c.req.method !== "GET" && c.req.method !== "HEAD") || careless !== undefined) {
      throw new ApiError("https_required");
    }
    const { pathname, search } = new URL(c.req.url);
    return c.redirect(`${publicUrl}${pathname}${search}`, 308);
  });
}
