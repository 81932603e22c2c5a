import type { MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";

/**
 * Closed where no origin is named: a browser then lets no other site read an answer, nor send JSON or a token.
 * Origins are compared whole. Credentials of the browser's own (cookies) are never asked for, there are none.
 */
export function crossOrigin(
  { settings: { corsOrigins } }: { settings: { corsOrigins: readonly string[] } },
): MiddlewareHandler<AppEnv> {
  if (corsOrigins.length === 0) return createMiddleware<AppEnv>((_, next) => next());
  const answer = cors({
    origin: [...corsOrigins],
    allowMethods: ["GET", "POST", "PUT", "PATCH", "DELETE"],
    allowHeaders: [
      "Authorization",
      "Content-Type",
      "Idempotency-Key",
      "X-API-Key",
      "X-Request-ID",
      "X-Tenant-ID",
    ],
    exposeHeaders: [
      "Content-Disposition",
      "RateLimit",
      "RateLimit-Policy",
      "Retry-After",
      "X-Request-ID",
    ],
    maxAge: 600,
  });
  return createMiddleware<AppEnv>(async (c, next) => {
    // What names no origin of the list gets the answer it would get without any: no header tells what is allowed.
    if (!corsOrigins.includes(c.req.header("origin") ?? "")) {
      await next();
      c.res.headers.append("Vary", "Origin");
      return;
    }
    return await answer(c, next);
  });
}
