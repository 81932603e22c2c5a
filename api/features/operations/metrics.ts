import { cpuUsage } from "node:process";
import { errorFields } from "../../../lib/log.ts";
import { Registry } from "../../../lib/metrics.ts";
import { WgdUnavailable } from "../../../wgd/client.ts";
import type { Deps } from "../../deps.ts";
import { diskMetrics, redisMetrics } from "./host_metrics.ts";

/**
 * The API's own metrics, and those of the daemon and the sealer as they print them. The daemon's name tenants by
 * id, which is why a scraper gets to see them only on the operator's socket.
 */
export async function renderMetrics(
  deps: Deps,
  { tenants }: { tenants: boolean },
): Promise<string> {
  const relayed = await Promise.all([
    relay(deps, "wgd", () => deps.wgd.metrics()),
    relay(deps, "sealer", async () => await (await deps.sealer.get("/v1/metrics")).text()),
  ]);
  const registry = new Registry();
  const gauge = (name: string, help: string, value: number) =>
    registry.gauge({ name: `massacorp_api_${name}`, help }).set({}, value);
  const up = registry.gauge({
    name: "massacorp_api_relayed",
    help: "1 where that process gave its metrics, which follow below.",
    labels: ["process"],
  });
  for (const { process, text } of relayed) up.set({ process }, text === "" ? 0 : 1);
  const connections = registry.gauge({
    name: "massacorp_api_database_connections",
    help:
      "Connections of a pool: there may be (size), in use (busy), and callers that wait for one.",
    labels: ["pool", "state"],
  });
  const poolWait = registry.counter({
    name: "massacorp_api_database_wait_seconds_total",
    help: "Time that callers waited for a connection to come free.",
    labels: ["pool"],
  });
  const poolTimeouts = registry.counter({
    name: "massacorp_api_database_timeouts_total",
    help: "Callers that no connection came free for in time.",
    labels: ["pool"],
  });
  for (const [pool, stats] of Object.entries(deps.pools())) {
    for (const state of ["size", "busy", "waiting"] as const) {
      connections.set({ pool, state }, stats[state]);
    }
    poolWait.inc({ pool }, stats.waitedSeconds);
    poolTimeouts.inc({ pool }, stats.timeouts);
  }
  const { running, waiting, hashes, waitedSeconds, refused } = deps.hasher.stats;
  registry.counter({
    name: "massacorp_api_password_hash_wait_seconds_total",
    help: "Time that password hashes waited for their turn.",
  }).inc({}, waitedSeconds);
  registry.counter({
    name: "massacorp_api_password_hashes_refused_total",
    help: "Password hashes that were refused because too many wait.",
  }).inc({}, refused);
  gauge("password_hashes_running", "Password hashes under way.", running);
  gauge("password_hashes_waiting", "Password hashes that wait for their turn.", waiting);
  registry.counter({ name: "massacorp_api_password_hashes_total", help: "Hashes begun." })
    .inc({}, hashes);
  await mailMetrics(deps, registry);
  await archiveMetrics(deps, registry);
  await clockMetrics(deps, registry);
  await redisMetrics(deps, registry);
  await diskMetrics(deps, registry);
  gauge("resident_memory_bytes", "Resident memory.", Deno.memoryUsage().rss);
  const { user, system } = cpuUsage();
  registry.counter({
    name: "massacorp_api_cpu_seconds_total",
    help: "Processor time of this process, in user and system mode.",
  }).inc({}, (user + system) / 1e6);
  registry.gauge({
    name: "massacorp_api_build_info",
    help: "1, with the version that runs.",
    labels: ["version", "deno"],
  }).set({ version: deps.version, deno: Deno.version.deno }, 1);
  const { certificateEnds } = deps.meters;
  if (certificateEnds !== undefined) {
    gauge("certificate_expiry_timestamp_seconds", "When the certificate ends.", certificateEnds);
  }
  gauge("start_time_seconds", "When the process was started.", performance.timeOrigin / 1000);
  const texts = relayed.map(({ text }) => tenants ? text : withoutTenants(text));
  texts.push(await ofBackups(deps));
  return [registry.render(), deps.meters.render(), ...texts].join("");
}

/** What the newest backup said of itself; of that file nothing but its own families. */
async function ofBackups({ settings: { backupMetrics }, log }: Deps): Promise<string> {
  if (backupMetrics === null) return "";
  try {
    const text = await Deno.readTextFile(backupMetrics);
    return (text.match(/^(# (HELP|TYPE) )?massacorp_backup_\w+ .*\n/gm) ?? []).join("");
  } catch (error) {
    log.debug("no metrics of backups", errorFields(error));
    return "";
  }
}

/** Without the families that have a tenant for a label. */
function withoutTenants(text: string): string {
  const families = text.split(/^(?=# HELP )/m);
  return families.filter((family) => !/^[^#\n]*[{,]tenant="/m.test(family)).join("");
}

async function relay(
  { log }: Deps,
  process: string,
  ask: () => Promise<string>,
): Promise<{ process: string; text: string }> {
  try {
    const text = await ask();
    return { process, text: text.endsWith("\n") ? text : "" };
  } catch (error) {
    if (!(error instanceof WgdUnavailable)) log.debug("no metrics of it", errorFields(error));
    return { process, text: "" };
  }
}

async function mailMetrics({ postman, log, clock }: Deps, registry: Registry): Promise<void> {
  const { sent, failed, dead } = postman.stats;
  const attempts = registry.counter({
    name: "massacorp_api_mail_attempts_total",
    help: "Attempts of this process to send a mail; given_up are those that were the last.",
    labels: ["outcome"],
  });
  attempts.inc({ outcome: "sent" }, sent);
  attempts.inc({ outcome: "failed" }, failed);
  attempts.inc({ outcome: "given_up" }, dead);
  try {
    const backlog = await postman.backlog();
    const mails = registry.gauge({
      name: "massacorp_api_mails",
      help: "Mails of all tenants: waiting, and given up within the last 30 days.",
      labels: ["state"],
    });
    mails.set({ state: "queued" }, backlog.queued);
    mails.set({ state: "dead" }, backlog.dead);
    const age = backlog.oldest ? Math.max(0, clock.now() - backlog.oldest.getTime()) : 0;
    registry.gauge({
      name: "massacorp_api_mail_oldest_seconds",
      help: "How long the mail that waits for longest has waited; 0 where none does.",
    }).set({}, age / 1000);
  } catch (error) {
    log.debug("no count of mails", errorFields(error));
  }
}

async function archiveMetrics({ lookups, log }: Deps, registry: Registry): Promise<void> {
  try {
    const failing = await lookups.walArchiveFailing();
    registry.gauge({
      name: "massacorp_api_wal_archive_failing",
      help: "1 where PostgreSQL's last attempt to archive its WAL failed.",
    }).set({}, failing ? 1 : 0);
  } catch (error) {
    log.debug("no state of the archive of WAL", errorFields(error));
  }
}

async function clockMetrics({ lookups, clock, log }: Deps, registry: Registry): Promise<void> {
  try {
    const server = await lookups.serverTime();
    registry.gauge({
      name: "massacorp_api_clock_ahead_seconds",
      help: "How far this host's clock is ahead of the database server's; below 0 where behind.",
    }).set({}, (clock.now() - server) / 1000);
  } catch (error) {
    log.debug("no time of the database", errorFields(error));
  }
}
