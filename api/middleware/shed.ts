import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";

/** Requests that are worked on at once; what each holds is then bounded, and so is how long the last one waits. */
export const mostAtOnce = 1_000;

/**
 * Refuses what comes on top of that, at once. Only requests that have arrived whole count: whoever sends his slowly
 * takes nobody's place. The operator is always let in.
 */
export function shed() {
  let underWay = 0;
  return createMiddleware<AppEnv>(async (c, next) => {
    if (c.env.listener === "operator") return await next();
    if (underWay >= mostAtOnce) throw new ApiError("overloaded", { retryAfter: 1 });
    underWay++;
    try {
      await next();
    } finally {
      underWay--;
    }
  });
}
