import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { errorFields } from "../../../lib/log.ts";
import type { Registry } from "../../../lib/metrics.ts";
import type { Deps } from "../../deps.ts";

/** What Redis says of itself at this moment; nothing where there is none to be asked. */
export async function redisMetrics({ redis, log }: Deps, registry: Registry): Promise<void> {
  if (redis === null) return;
  const gauge = (name: string, help: string, value: number) =>
    registry.gauge({ name: `massacorp_api_redis_${name}`, help }).set({}, value);
  const began = performance.now();
  const said = await redis.inTime((client) => client.info()).catch((error) => {
    log.debug("no metrics of Redis", errorFields(error));
    return undefined;
  });
  const took = (performance.now() - began) / 1000;
  // One that answers and takes no write counts nothing.
  const isUp = said !== undefined && await redis.ping().then(() => true, () => false);
  gauge("up", "1 where Redis answered this process just now, and took a write.", isUp ? 1 : 0);
  if (said === undefined) return;
  gauge("answer_seconds", "How long it took to say all this.", took);
  const of = (field: string) => Number(new RegExp(`^${field}:(\\d+)`, "m").exec(said)?.[1] ?? 0);
  gauge("memory_bytes", "Memory that Redis uses for what it keeps.", of("used_memory"));
  gauge(
    "memory_limit_bytes",
    "What it may use, its maxmemory; 0 where it has none.",
    of("maxmemory"),
  );
  registry.counter({
    name: "massacorp_api_redis_evicted_total",
    help: "Counters that Redis threw away before their end, to make room.",
  }).inc({}, of("evicted_keys"));
}

/** The disk that the data folder is on, as far as this process sees it: by the place of the backups' metrics. */
export async function diskMetrics(
  { settings: { backupMetrics }, log }: Deps,
  registry: Registry,
): Promise<void> {
  if (backupMetrics === null) return;
  try {
    const { bsize, bavail, blocks } = await statfs(dirname(backupMetrics));
    const gauge = (name: string, help: string, value: number) =>
      registry.gauge({ name: `massacorp_api_data_disk_${name}_bytes`, help }).set({}, value);
    gauge("free", "Room on the disk of the data folder, for others than root.", bavail * bsize);
    gauge("size", "The size of the disk of the data folder.", blocks * bsize);
  } catch (error) {
    log.debug("no metrics of the disk", errorFields(error));
  }
}
