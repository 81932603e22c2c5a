import { join } from "node:path";
import { connect } from "../db/connection.ts";
import { CheckpointError, createSigner, publicKeyPem } from "../lib/audit/checkpoint.ts";
import { systemClock } from "../lib/clock.ts";
import { ConfigError } from "../lib/env.ts";
import { createLogger, errorFields } from "../lib/log.ts";
import { serveSocket } from "../lib/unix_socket.ts";
import { createAuditSealer } from "./audit_sealer.ts";
import { openCheckpointFolder } from "./checkpoint_folder.ts";
import { loadConfig, type SealerConfig } from "./config.ts";
import { lagSeconds, renderMetrics } from "./metrics.ts";
import { keepSealing } from "./keep_sealing.ts";

function readConfig(): SealerConfig {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLogger({ level: "error", fields: { service: "sealer" } }).error(
      "the sealer does not start",
      errorFields(error),
    );
    Deno.exit(78); // EX_CONFIG of sysexits(3)
  }
}

const config = readConfig();
const log = createLogger({
  level: config.logLevel,
  format: config.logFormat,
  fields: { service: "sealer" },
});
const clock = systemClock;
try {
  const signer = await createSigner(config.signingKey);
  const path = config.checkpoints;
  const folder = await openCheckpointFolder(path, signer.publicKey);
  await Deno.writeTextFile(join(path, "public_key.pem"), publicKeyPem(signer.publicKey));
  // One connection, and never replaced by the driver itself: it holds the lock of the sealers.
  const sql = connect(config.databaseUrl, {
    max: 1,
    applicationName: "massacorp-sealer",
    idleTimeout: 0,
    maxLifetime: 0,
  });
  const { retentionMonths } = config;
  const sealer = createAuditSealer({ sql, folder, path, signer, clock, log, retentionMonths });
  const server = await serveSocket(config.socket, async (request) => {
    const now = clock.now();
    switch (new URL(request.url).pathname) {
      case "/v1/metrics":
        await sealer.count(500);
        return new Response(renderMetrics(sealer.state, now));
      case "/v1/status": {
        const { leading, checkpoint, distrust } = sealer.state;
        const lag_seconds = lagSeconds(sealer.state, now);
        return Response.json({ leading, checkpoint, distrust, lag_seconds });
      }
      default:
        return Response.json({ code: "not_found" }, { status: 404 });
    }
  }, { log });
  const stopping = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stopping.abort());
  }
  log.info("the sealer runs", { public_key: signer.publicKey, checkpoints: path });
  await keepSealing(sealer, { clock, log, signal: stopping.signal });
  await Promise.all([server.close(), sql.end({ timeout: 2 })]);
  folder.close();
} catch (error) {
  if (error instanceof CheckpointError) log.critical("the sealer ends", errorFields(error));
  else log.error("the sealer ends", errorFields(error, { stack: config.logLevel === "debug" }));
  Deno.exit(1);
}
Deno.exit(0);
