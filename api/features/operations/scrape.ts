import { createMiddleware } from "hono/factory";
import { isWithin, parseAnyNetwork } from "../../../lib/network.ts";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { requestId } from "../../middleware/request_id.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { handleError, problemResponse } from "../../problem.ts";
import { answerDeepHealth, answerHealth, answerMetrics, answerReadiness } from "./answers.ts";

/**
 * What `OPERATOR_LISTEN` serves: four answers to GET, for a scraper and for health checks. An app of its own, so
 * that no operation is on it whatever is mounted elsewhere: nobody proves there who he is.
 */
export function createScrapeApp(deps: Deps): Router {
  const app = createRouter();
  app.onError(handleError);
  app.notFound((c) => problemResponse(c, new ApiError("not_found")));
  app.use(requestId(deps));
  app.use(createMiddleware<AppEnv>(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  }));
  app.use(notFromTheTunnel(deps));
  app.get("/metrics", (c) => answerMetrics(c, deps, { tenants: false }));
  app.get("/health", (c) => answerHealth(c, deps));
  app.get("/ready", (c) => answerReadiness(c, deps));
  app.get("/health/deep", (c) => answerDeepHealth(c, deps));
  return app;
}

/** The address is none of the tunnel's; should the host forward packets to it nevertheless, no peer is answered. */
function notFromTheTunnel({ settings: { network, network6 } }: Deps) {
  const tunnel = [network, network6].flatMap((text) => parseAnyNetwork(text ?? "") ?? []);
  return createMiddleware<AppEnv>(async (c, next) => {
    const { address } = c.env;
    if (address === null || isWithin(tunnel, address)) throw new ApiError("not_found");
    await next();
  });
}
