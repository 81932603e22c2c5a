import { createLogger, errorFields } from "../lib/log.ts";
import { runProcess } from "../lib/process.ts";
import { loadConfig } from "./config.ts";
import { removeTunnelInterface } from "./interface/remove.ts";
import { lockInterface } from "./gateway/lock.ts";

/**
 * Takes the tunnel down for good: the interface and its firewall table. The daemon never does this by
 * itself, because a tunnel outlives it.
 */
async function down(): Promise<void> {
  const config = loadConfig();
  const { name } = config.interface;
  using _lock = await lockInterface(config.lockFolder, name);
  await removeTunnelInterface(name, runProcess);
}

if (import.meta.main) {
  try {
    await down();
  } catch (error) {
    createLogger({ level: "error" }).error("the tunnel was not taken down", errorFields(error));
    Deno.exit(1);
  }
}
