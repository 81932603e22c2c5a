import type { Context } from "hono";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { renderMetrics } from "./metrics.ts";

/** What whoever runs this host is told, on his socket and to his scraper alike. */

export function answerHealth(c: Context<AppEnv>, { env, settings }: Deps) {
  const wireguard_network = settings.network;
  return c.json({ status: "healthy" as const, environment: env, wireguard_network }, 200);
}

export async function answerReadiness(c: Context<AppEnv>, { health }: Deps) {
  const { ready, checks } = await health.readiness();
  if (ready) return c.json({ status: "ready" as const, checks }, 200);
  c.header("Retry-After", "1");
  return c.json({ status: "not_ready" as const, checks }, 503);
}

/** @param options.tenants whether what names tenants, by their ids, is in it */
export async function answerMetrics(c: Context<AppEnv>, deps: Deps, options: { tenants: boolean }) {
  c.header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  return c.body(await renderMetrics(deps, options));
}

export async function answerDeepHealth(c: Context<AppEnv>, { health }: Deps) {
  const checks = await health.deep();
  const isDown = checks.database?.status !== "ok";
  const isWhole = Object.values(checks).every(({ status }) => status === "ok");
  const status = isDown ? "unavailable" : isWhole ? "ok" : "degraded";
  if (isDown) c.header("Retry-After", "1");
  return c.json({ status, checks }, isDown ? 503 : 200);
}
