import { systemClock } from "../lib/clock.ts";
import { ConfigError } from "../lib/env.ts";
import { createLogger, errorFields } from "../lib/log.ts";
import { recordSpans } from "../lib/spans.ts";
import { createApp } from "./app.ts";
import { loadConfig } from "./config.ts";
import { buildDeps } from "./build_deps.ts";
import { UnsafeRoleError } from "./database/role_check.ts";
import { createScrapeApp } from "./features/operations/mod.ts";
import { listenScrape, listenTcp, listenUnix, logUnhandled } from "./process/listeners.ts";
import { createStop } from "./process/stop.ts";

function readConfig() {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    Deno.stderr.writeSync(new TextEncoder().encode(`api: ${error.message}\n`));
    Deno.exit(78); // EX_CONFIG of sysexits(3)
  }
}

const config = readConfig();
const log = createLogger({
  level: config.logLevel,
  format: config.logFormat,
  fields: { service: "api" },
});
logUnhandled(log);
if (config.spans) await recordSpans();
const { deps, rolesAreSafe, start, close } = await buildDeps({ config, clock: systemClock, log });
rolesAreSafe().catch((error) => {
  log.error("the API does not run on this database", errorFields(error));
  // Another schema may be this one's after a migration; a role stays what it is.
  Deno.exit(error instanceof UnsafeRoleError ? 78 : 1);
});
start();
const app = createApp(deps);
const fetch = (request: Request, env: Parameters<typeof app.fetch>[1]) => app.fetch(request, env);

const { plan } = config.wireguard;
const addresses = config.listen === "tunnel"
  ? [plan.gateway, plan.api, ...(plan.six ? [plan.six.gateway, plan.six.api] : [])]
  : ["127.0.0.1"];
// Behind a proxy nobody comes in by himself: what it does not say is refused, the host's own users included.
const listener = config.trustedProxies.length > 0 ? "tunnel" : config.listen;
const onCertificate = (pem: string) => deps.meters.certificate(pem);
const scraped = config.operatorListen;
const scrapeApp = createScrapeApp(deps);

async function listen() {
  try {
    const served = addresses.map((hostname) =>
      listenTcp({
        fetch,
        log,
        listener,
        hostname,
        port: config.port,
        tls: config.tls,
        onCertificate,
      })
    );
    const beside = [
      ...scraped
        ? [listenScrape({ ...scraped, log, fetch: (...of) => scrapeApp.fetch(...of) })]
        : [],
      await listenUnix({ fetch, log, path: config.operatorSocket }),
    ];
    return { served, listeners: [...beside, ...served] };
  } catch (error) {
    // A port that somebody else has: whoever supervises this process is to see it end, not to wait for it.
    log.error("cannot listen", errorFields(error));
    Deno.exit(1);
  }
}

const { served, listeners } = await listen();

const stop = createStop({
  log,
  drainSeconds: config.drainSeconds,
  health: deps.health,
  listeners,
  close,
  exit: Deno.exit,
});
Deno.addSignalListener("SIGHUP", () => {
  log.info("reading certificates again");
  for (const listener of served) listener.reload();
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => stop(signal));
}
