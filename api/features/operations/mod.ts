import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { renderMetrics } from "./metrics.ts";

/** Elsewhere than on the operator's socket there is no such path, whoever asks. */
const operatorOnly = createMiddleware<AppEnv>(async (c, next) => {
  if (c.env.listener !== "operator") throw new ApiError("not_found");
  await next();
});

/**
 * `/metrics` and `/health/deep`, for whoever runs this host. Not part of the OpenAPI document, which is about
 * what clients are served.
 */
export function operationsFeature(deps: Deps): Router {
  const router = createRouter();
  router.get("/metrics", operatorOnly, async (c) => {
    c.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
    return c.body(await renderMetrics(deps));
  });
  router.get("/health/deep", operatorOnly, async (c) => {
    const checks = await deps.health.deep();
    const isDown = checks.database?.status !== "ok";
    const isWhole = Object.values(checks).every(({ status }) => status === "ok");
    const status = isDown ? "unavailable" : isWhole ? "ok" : "degraded";
    if (isDown) c.header("Retry-After", "1");
    return c.json({ status, checks }, isDown ? 503 : 200);
  });
  return router;
}
