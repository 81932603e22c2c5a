import assert from "node:assert/strict";
import { outcomeOf } from "../../deploy/demo/run.ts";

export interface Pings {
  sent: number;
  received: number;
}

/**
 * Pings from one end to the other until they are stopped, and lets none of them be under way at the end: each
 * run sends its number and waits for the last answer. Two runs of different length go on at once, so that there
 * is no moment between one and the next.
 */
export function startPings(argv: (command: string[]) => string[]): { stop(): Promise<Pings> } {
  let stopped = false;
  const total: Pings = { sent: 0, received: 0 };
  const loop = async (count: number) => {
    while (!stopped) {
      const command = ["ping", "-q", "-i", "0.01", "-c", String(count), "-W", "5", "10.10.0.1"];
      const { stdout, stderr } = await outcomeOf(argv(command));
      const found = /(\d+) packets transmitted, (\d+) received/.exec(stdout);
      assert.ok(found, stdout + stderr);
      assert.equal(Number(found[1]), count);
      total.sent += count;
      total.received += Number(found[2]);
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
