import { errorFields } from "../../../lib/log.ts";
import { Registry } from "../../../lib/metrics.ts";
import { WgdUnavailable } from "../../../wgd/client.ts";
import type { Deps } from "../../deps.ts";

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
    help: "Connections of a pool: in use, and callers that wait for one.",
    labels: ["pool", "state"],
  });
  for (const [pool, { busy, waiting }] of Object.entries(deps.pools())) {
    connections.set({ pool, state: "busy" }, busy);
    connections.set({ pool, state: "waiting" }, waiting);
  }
  const { running, waiting, hashes } = deps.hasher.stats;
  gauge("password_hashes_running", "Password hashes under way.", running);
  gauge("password_hashes_waiting", "Password hashes that wait for their turn.", waiting);
  registry.counter({ name: "massacorp_api_password_hashes_total", help: "Hashes begun." })
    .inc({}, hashes);
  await mailMetrics(deps, registry);
  gauge("resident_memory_bytes", "Resident memory.", Deno.memoryUsage().rss);
  gauge("start_time_seconds", "When the process was started.", performance.timeOrigin / 1000);
  const texts = relayed.map(({ text }) => tenants ? text : withoutTenants(text));
  return [registry.render(), deps.meters.render(), ...texts].join("");
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

async function mailMetrics({ postman, log }: Deps, registry: Registry): Promise<void> {
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
  } catch (error) {
    log.debug("no count of mails", errorFields(error));
  }
}
