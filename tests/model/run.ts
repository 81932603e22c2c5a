import fc from "fast-check";
import { someCommands } from "./commands.ts";
import { createWorld } from "./world.ts";

/** Of one run; the next one begins with nothing. */
const longestRun = 120;

/**
 * Lets random commands change the real stack and a small model, and compares the two after each.
 * @param options.seed and options.path of a run that failed before, to have it again
 * @throws with seed, path and commands of the first run in which they differ
 */
export async function runModel(
  { steps, seed, path }: { steps: number; seed?: number; path?: string },
): Promise<{ steps: number; seed: number; runs: number }> {
  await using world = await createWorld();
  let runs = 0;
  const property = fc.asyncProperty(someCommands(longestRun), async (commands) => {
    if (world.steps >= steps) return;
    runs++;
    const model = await world.begin();
    await fc.asyncModelRun(() => ({ model, real: world }), commands);
    await world.end(model);
  });
  const { failed, seed: used, ...details } = await fc.check(property, {
    // Enough of them for the steps; those that are not needed do nothing.
    numRuns: Math.max(20, steps),
    // Each attempt at a smaller example would take seconds of kills and starts.
    endOnFailure: true,
    ...(seed === undefined ? {} : { seed }),
    ...(path === undefined ? {} : { path }),
  });
  if (failed) {
    const { counterexamplePath, counterexample, errorInstance } = details;
    const said = world.stack.daemon.log.slice(-15).map((line) => JSON.stringify(line)).join("\n");
    throw new Error(
      `after ${world.steps} steps; again with: deno task test:model --seed=${used} --path=${counterexamplePath}\n${counterexample}\nThe daemon's last words:\n${said}`,
      { cause: errorInstance },
    );
  }
  return { steps: world.steps, seed: used, runs };
}
