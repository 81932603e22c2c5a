import { ConfigError } from "../lib/env.ts";
import { createLogger, errorFields } from "../lib/log.ts";
import { patient } from "../lib/process.ts";
import { recordSpans } from "../lib/spans.ts";
import { createApp } from "./app.ts";
import { loadConfig, type WgdConfig } from "./config.ts";
import { createDaemon } from "./daemon.ts";
import { lockInterface } from "./gateway/lock.ts";
import { serveSocket } from "../lib/unix_socket.ts";

function readConfig(): WgdConfig {
  try {
    return loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    createLogger({ level: "error", fields: { service: "wgd" } }).error(
      "the daemon does not start",
      errorFields(error),
    );
    Deno.exit(78); // EX_CONFIG of sysexits(3)
  }
}

const config = readConfig();
const log = createLogger({
  level: config.logLevel,
  format: config.logFormat,
  fields: { service: "wgd", interface: config.interface.name },
});
if (config.spans) await recordSpans();
try {
  using _lock = await lockInterface(config.lockFolder, config.interface.name);
  const daemon = createDaemon(config, { run: patient(config.commandTimeoutMs), log });
  const server = await serveSocket(config.socket, createApp(daemon, log).fetch, { log });
  const signalled = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, signalled.resolve);
  }
  log.info("the daemon runs", { socket: config.socket });
  try {
    await Promise.race([
      daemon.failed,
      daemon.start().then(() => signalled.promise),
      signalled.promise,
    ]);
    log.info("the daemon stops; the tunnel stays up");
  } finally {
    await Promise.all([server.close(), daemon.stop()]);
  }
} catch (error) {
  log.error("the daemon ends", errorFields(error, { stack: config.logLevel === "debug" }));
  Deno.exit(1);
}
Deno.exit(0);
