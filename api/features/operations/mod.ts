import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { answerDeepHealth, answerMetrics } from "./answers.ts";

export { answerHealth, answerReadiness } from "./answers.ts";
export { createScrapeApp } from "./scrape.ts";

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
  router.get("/metrics", operatorOnly, (c) => answerMetrics(c, deps, { tenants: true }));
  router.get("/health/deep", operatorOnly, (c) => answerDeepHealth(c, deps));
  return router;
}
