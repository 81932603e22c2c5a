import assert from "node:assert/strict";
import { outcomeOf } from "../../deploy/demo/run.ts";

export interface Pings {
  sent: number;
  received: number;
}

/**
 * Pings every 10 ms from one end to the other until they are stopped. Two runs of different length go on at once, so
 * that there is no moment between one and the next. Each goes on until so many were answered (`-w` makes `ping` do
 * so): without that, it gives the last ones no longer than twice what the slowest before took, and calls those of a
 * processor that was busy for 10 ms lost.
 */
export function startPings(
  argv: (command: string[]) => string[],
  address = "10.10.0.1",
): { stop(): Promise<Pings> } {
  let stopped = false;
  const total: Pings = { sent: 0, received: 0 };
  const loop = async (count: number) => {
    while (!stopped) {
      const bounds = ["-c", String(count), "-w", String(Math.ceil(count / 100) + 30)];
      const { stdout, stderr } = await outcomeOf(
        argv(["ping", "-n", "-i", "0.01", ...bounds, address]),
        { timeoutMs: 60_000 },
      );
      const [, sent] = /(\d+) packets transmitted/.exec(stdout) ?? assert.fail(stdout + stderr);
      const answered = new Set(
        [...stdout.matchAll(/^\d+ bytes from .* icmp_seq=(\d+) /gm)].map(([, n]) => Number(n)),
      );
      // Those behind the last that was answered were under way when there were enough.
      total.sent += answered.size < count ? Number(sent) : Math.max(...answered);
      total.received += answered.size;
    }
  };
  const loops = [loop(70), loop(100)];
  return {
    async stop() {
      stopped = true;
      await Promise.all(loops);
      return total;
    },
  };
}
