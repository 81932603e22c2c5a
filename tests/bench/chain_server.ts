import { Hono } from "hono";
import { jwtVerify } from "jose";
import { createApp } from "../../api/app.ts";
import { buildDeps } from "../../api/build_deps.ts";
import { loadConfig } from "../../api/config.ts";
import { systemClock } from "../../lib/clock.ts";
import { createLogger } from "../../lib/log.ts";
import type { UserRow } from "../../api/middleware/authenticate.ts";
import { testSecrets } from "../support/api.ts";

/**
 * `GET /api/v1/auth/me`, twice: by the whole app, whose one query is answered out of memory, and by Hono and jose and
 * nothing else. Its standard input is `{kind, port, secret}` as JSON.
 */
const { kind, port, secret } = JSON.parse(await new Response(Deno.stdin.readable).text());
const row: UserRow = {
  email: "admin@acme.example",
  name: "",
  created_at: new Date(),
  slug: "acme",
  tenant_name: "Acme",
  mfa_enabled: false,
  grants: "admin users.read users.write",
  stepped_up_at: null,
  last_seen_at: new Date(Date.now() + 3_600_000),
  login_own_peer: false,
};

async function whole() {
  const none = "postgres://massacorp_api:x@127.0.0.1:1/none";
  const config = loadConfig({
    ...testSecrets,
    JWT_SECRET: secret,
    API_LISTEN: "loopback",
    DATABASE_URL: none,
    DATABASE_PLATFORM_URL: none,
    RATE_LIMIT_AUTHENTICATED: "1000000",
    WGD_SOCKET: "/nowhere/wgd.sock",
    SEALER_SOCKET: "/nowhere/sealer.sock",
  });
  const log = createLogger({ level: "info", fields: { service: "api" } });
  const { deps } = await buildDeps({
    config,
    clock: systemClock,
    log: createLogger({ level: "silent" }),
  });
  const tenancy = Object.assign({}, deps.tenancy, { ask: () => Promise.resolve([row]) });
  const app = createApp({ ...deps, log, tenancy });
  return (request: Request) => app.fetch(request, { listener: "loopback", address: "127.0.0.1" });
}

function bare() {
  const key = new TextEncoder().encode(secret);
  const app = new Hono();
  app.get("/api/v1/auth/me", async (c) => {
    const token = c.req.header("authorization")?.slice("Bearer ".length) ?? "";
    const { payload } = await jwtVerify(token, key, { algorithms: ["HS256"] });
    const { email, name, created_at, grants } = row;
    const [role, ...permissions] = grants.split(" ");
    return c.json({ id: Number(payload.sub), email, name, created_at, roles: [role], permissions });
  });
  return (request: Request) => app.fetch(request);
}

const fetch = kind === "whole" ? await whole() : bare();
Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, fetch);
