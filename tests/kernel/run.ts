import { dirname } from "node:path";
import type { Outcome } from "../groups.ts";
import { preparedVariable, startTestCluster } from "../support/cluster.ts";
import { testDatabase } from "../support/database.ts";
import { GuestError, preparedPlace, runInGuest } from "./guest.ts";

/** What all of it may take: a few times what it needs, for a machine that has other work as well. */
const timeoutMs = 1_800_000;

/**
 * Runs test files in guests with a kernel that has WireGuard. A guest keeps one core busy, so there are two where
 * there are two cores, and each takes every other file.
 */
export async function runInGuests(
  paths: readonly string[],
  say: (line: string) => void,
): Promise<Outcome> {
  const count = Math.min(2, navigator.hardwareConcurrency, paths.length);
  const shares = Array.from(
    { length: count },
    (_, guest) => paths.filter((_, at) => at % count === guest),
  );
  // In a guest a PostgreSQL takes half a minute to be made; here it takes a second.
  const cluster = await startTestCluster();
  await using _cluster = { [Symbol.asyncDispose]: () => cluster.stop() };
  await (await testDatabase({ on: cluster }))[Symbol.asyncDispose]();
  await cluster.down();
  const outcomes = await Promise.all(
    shares.map((share, at) =>
      runShare(share, { prepared: cluster.dataFolder, onLine: (line) => say(`${at + 1}| ${line}`) })
        .catch((error) => {
          if (!(error instanceof Error)) throw error;
          say(`${at + 1}| FAILED: ${error.message}`);
          return { passed: 0, failed: 1, skipped: 0 };
        })
    ),
  );
  const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
  for (const { passed, failed, skipped } of outcomes) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
  }
  return total;
}

async function runShare(
  paths: readonly string[],
  { prepared, onLine }: { prepared: string; onLine: (line: string) => void },
): Promise<Outcome> {
  let outcome: Outcome | undefined;
  const status = await runInGuest({
    command: [Deno.execPath(), "run", "--allow-all", "--no-check", "--quiet"]
      .concat("tests/kernel/inside.ts", ...paths),
    env: {
      PATH: `${dirname(Deno.execPath())}:/usr/sbin:/usr/bin:/sbin:/bin`,
      NO_COLOR: "1",
      MASSACORP_TEST_PAUSE: "200",
      [preparedVariable]: preparedPlace,
    },
    prepared,
    timeoutMs,
    onLine(line) {
      onLine(line);
      outcome = outcomeIn(line) ?? outcome;
    },
  });
  if (status !== 0 || !outcome) throw new GuestError(`the tests ended with status ${status}`);
  return outcome;
}

/** The sum that the runner inside says last, out of its line. */
export function outcomeIn(line: string): Outcome | undefined {
  const counted = /^(\d+) passed, (\d+) failed, (\d+) skipped$/.exec(line);
  if (!counted) return undefined;
  const [passed = 0, failed = 0, skipped = 0] = counted.slice(1).map(Number);
  return { passed, failed, skipped };
}
