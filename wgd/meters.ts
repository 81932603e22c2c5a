import { type Counter, type Histogram, Registry } from "../lib/metrics.ts";
import { ProcessError, type RunProcess } from "../lib/process.ts";
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
      "From the notification of a peer's committed change to the end of the read-back that proves it. What no notification announced is not in it.",
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
  /** By peer id: when its change was first announced and not proven since, by the monotonic clock. */
  readonly #noticed = new Map<string, number>();

  /** A change of this peer was committed. */
  noticed(peerId: string): void {
    if (!this.#noticed.has(peerId)) this.#noticed.set(peerId, performance.now());
  }

  /**
   * A read-back has just ended.
   * @param pass.readAt when the rows were read at the earliest, by the monotonic clock: what was announced later
   * is not proven by it
   */
  proven(pass: {
    readAt: number;
    scope: "all" | readonly string[];
    verdicts: ReadonlyMap<string, Verdict>;
  }): void {
    if (this.#noticed.size === 0) return;
    const now = performance.now();
    for (const peerId of pass.scope === "all" ? [...this.#noticed.keys()] : pass.scope) {
      const at = this.#noticed.get(peerId);
      if (at === undefined || at > pass.readAt) continue;
      const state = pass.verdicts.get(peerId)?.state;
      // It goes on being unproven, and the next pass that proves it says since when.
      if (state === "failed") continue;
      this.#noticed.delete(peerId);
      if (state === "applied" || state === "removed") {
        this.#commitToKernel.observe({}, (now - at) / 1000);
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
