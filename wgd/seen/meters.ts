import { type Counter, type Histogram, Registry } from "../../lib/metrics.ts";
import { ProcessError, type RunProcess } from "../../lib/process.ts";
import type { DesiredPeer } from "../desired.ts";
import type { Verdict } from "./verdict.ts";

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is counted and timed as it happens. No label is a key or an address. */
export class Meters {
  readonly #registry = new Registry();
  readonly drift: Counter<"kind"> = this.#registry.counter({
    name: "massacorp_wgd_drift_total",
    help: "Differences found since the start, by kind.",
    labels: ["kind"],
  });
  readonly passes: Histogram<"scope"> = this.#registry.histogram({
    name: "massacorp_wgd_pass_duration_seconds",
    help: "Passes from the reading of rows to the record of what was seen; all peers, or some.",
    labels: ["scope"],
    buckets: seconds,
  });
  readonly batchSize: Histogram<never> = this.#registry.histogram({
    name: "massacorp_wgd_apply_peers",
    help: "Peers written or removed by one call of wg.",
    buckets: [1, 2, 5, 10, 50, 100, 500, 1000],
  });
  readonly apply: Histogram<never> = this.#registry.histogram({
    name: "massacorp_wgd_apply_duration_seconds",
    help: "One call of wg that writes or removes peers.",
    buckets: seconds,
  });
  readonly #commitToKernel = this.#registry.histogram({
    name: "massacorp_wgd_commit_to_kernel_seconds",
    help:
      "From when a peer's row was changed, in its transaction and so a little before the commit, to when the interface has the change: by wg's acceptance for who comes, by a read-back without it for who goes. Only of changes since the daemon's first full pass began; a tenant's or a user's status changes no row of a peer.",
    buckets: [...seconds, 30, 60],
  });
  readonly #commands = this.#registry.counter({
    name: "massacorp_wgd_commands_total",
    help: "Programs that were run.",
    labels: ["program"],
  });
  readonly #failures = this.#registry.counter({
    name: "massacorp_wgd_command_failures_total",
    help:
      "Programs that failed: start, exit, timeout, or too much output. Some exits are answers, such as an interface that is not there yet.",
    labels: ["program", "failure"],
  });
  /** Of peers whose row failed: the generation that is recorded, and was never proven. */
  readonly #unproven = new Map<string, string>();

  /**
   * What was recorded of these peers.
   * @param pass.since changes from before this are not counted, by the monotonic clock
   * @param pass.at when the interface had what these verdicts say, by the same clock
   */
  proven(
    peers: Iterable<DesiredPeer>,
    pass: { verdicts: ReadonlyMap<string, Verdict>; since: number; at: number },
  ): void {
    for (const { id, generation, status, changedAt = -Infinity } of peers) {
      if (changedAt < pass.since) continue;
      if (status?.generation === generation && this.#unproven.get(id) !== generation) continue;
      const state = pass.verdicts.get(id)?.state;
      // It goes on being unproven, and the pass that proves it says since when.
      if (state === "failed") this.#unproven.set(id, generation);
      else this.#unproven.delete(id);
      if (state === "applied" || state === "removed") {
        this.#commitToKernel.observe({}, Math.max(pass.at - changedAt, 0) / 1000);
      }
    }
  }

  /** The same programs, counted. */
  counted(run: RunProcess): RunProcess {
    return async (program, args, options) => {
      this.#commands.inc({ program });
      try {
        return await run(program, args, options);
      } catch (error) {
        if (error instanceof ProcessError) {
          this.#failures.inc({ program, failure: error.failure });
        }
        throw error;
      }
    };
  }

  render(): string {
    return this.#registry.render();
  }
}
