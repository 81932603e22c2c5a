import { type Group, groups, kernelHasWireGuard, type Outcome, unmet } from "./groups.ts";
import { runInGuests } from "./kernel/run.ts";
import { startBalancer } from "./scale/balancer.ts";
import { clusterVariable, startTestCluster, type TestCluster } from "./support/cluster.ts";
import { outputVariable } from "./support/output.ts";
import { startPgbouncer } from "./support/pgbouncer.ts";

async function runGroup(
  group: Group,
  env: Record<string, string>,
  cluster: TestCluster,
): Promise<Outcome> {
  const paths = group.paths.filter((path) => exists(path));
  if (paths.length === 0) return { passed: 0, failed: 0, skipped: 0 };
  if (group.kind === "kernel" && !(await kernelHasWireGuard())) {
    return await runInGuests(paths, say);
  }
  if (group.kind === "balanced" || group.kind === "pooled") {
    return await runBalanced(group, paths, { env, cluster });
  }
  if (group.kind !== "check") {
    return await runTests(paths, env, group);
  }
  const { success } = await deno(["check", "--quiet", ...paths], env);
  return { passed: success ? 1 : 0, failed: success ? 0 : 1, skipped: 0 };
}

/** Runs files that use `testApi()` with its apps in three processes behind nginx, and says which could not. */
async function runBalanced(
  { kind, parallel }: Group,
  paths: readonly string[],
  { env, cluster }: { env: Record<string, string>; cluster: TestCluster },
): Promise<Outcome> {
  await using undo = new AsyncDisposableStack();
  const pooler = kind === "pooled" ? undo.use(await startPgbouncer(cluster)) : null;
  const balancer = undo.use(await startBalancer({ pooler }));
  const files = await filesUsing("testApi(", paths);
  const outcome = await runTests(files, { ...env, ...balancer.env }, {
    parallel: parallel ?? false,
  });
  say("\nSpoke to an API in its own process, and why:");
  for (const reason of await balancer.reasons()) say(`  ${reason}`);
  return outcome;
}

async function filesUsing(text: string, folders: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (isDirectory) found.push(...await filesUsing(text, [path]));
      else if (name.endsWith("_test.ts") && (await Deno.readTextFile(path)).includes(text)) {
        found.push(path);
      }
    }
  }
  return found.sort();
}

/**
 * Runs test files, which print as `deno test` does, and counts them. Types are the group `types`' affair: checked
 * here, they would be checked once a group.
 * @param options.parallel whether files run beside one another, and whether they wait for most of their time
 */
export async function runTests(
  paths: readonly string[],
  env: Record<string, string>,
  { parallel = false, waits = false }: { parallel?: boolean; waits?: boolean } = {},
): Promise<Outcome> {
  const report = await Deno.makeTempFile({ prefix: "massacorp-junit-" });
  try {
    const { success } = await deno([
      ...["test", "--allow-all", "--no-prompt", "--no-check", "--permit-no-files"],
      ...[...(parallel ? ["--parallel"] : []), `--junit-path=${report}`, ...paths],
    ], waits ? { DENO_JOBS: jobsOfWaiting(), ...env } : env);
    const counted = countJunit(await Deno.readTextFile(report));
    // A file that does not even load, or a leak after the last test, is a failure without a test.
    if (!success && counted.failed === 0) counted.failed = 1;
    return counted;
  } finally {
    await Deno.remove(report);
  }
}

/** How many files that mostly wait run at once, unless the caller says. */
function jobsOfWaiting(): string {
  return Deno.env.get("DENO_JOBS") ?? String(Math.ceil(navigator.hardwareConcurrency * 1.5));
}

async function deno(args: string[], env: Record<string, string>): Promise<Deno.CommandStatus> {
  const kept = env[outputVariable];
  const child = new Deno.Command(Deno.execPath(), {
    args,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
    ...(kept === undefined ? {} : { stdout: "piped", stderr: "piped" }),
  }).spawn();
  if (kept === undefined) return await child.status;
  // What the tests themselves print is looked through as well.
  using file = await Deno.open(`${kept}/${child.pid}.output`, { create: true, append: true });
  const pass = async (
    from: ReadableStream<Uint8Array>,
    to: { writeSync(bytes: Uint8Array): number },
  ) => {
    for await (const bytes of from) {
      for (let at = 0; at < bytes.length;) at += to.writeSync(bytes.subarray(at));
      file.writeSync(bytes);
    }
  };
  const [status] = await Promise.all([
    child.status,
    pass(child.stdout, Deno.stdout),
    pass(child.stderr, Deno.stderr),
  ]);
  return status;
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Sums up what `deno test --junit-path` wrote; a test with steps counts once. */
export function countJunit(xml: string): Outcome {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const [, suite = ""] of xml.matchAll(/<testsuite .*?>(.*?)<\/testsuite>/gs)) {
    const cases = [...suite.matchAll(/<testcase name="([^"]*)".*?>(.*?)<\/testcase>/gs)];
    const names = new Set(cases.map(([, name = ""]) => name));
    for (const [, name = "", body = ""] of cases) {
      const parents = [...name.matchAll(/ &gt; /g)].map(({ index }) => name.slice(0, index));
      if (parents.some((parent) => names.has(parent))) continue;
      if (/<(failure|error)/.test(body)) sum.failed++;
      else if (/<skipped/.test(body)) sum.skipped++;
      else sum.passed++;
    }
  }
  return sum;
}

/** The runner behind `./massacorp test`: every group, or those named, and one plain line at the end. */
async function main(names: string[]): Promise<number> {
  const unknown = names.filter((name) => !groups.some((group) => group.name === name));
  if (unknown.length > 0) {
    say(`no group ${unknown.join(", ")}; there are: ${groups.map(({ name }) => name).join(", ")}`);
    return 2;
  }
  const strict = Deno.env.get("CI") === "true";
  const wanted = groups.filter(({ name, onDemand }) =>
    names.length === 0 ? !onDemand : names.includes(name)
  );
  const total: Outcome = { passed: 0, failed: 0, skipped: 0 };
  const skippedGroups: string[] = [];
  const cluster = await startTestCluster({ inMemory: true });
  const output = await Deno.makeTempDir({ prefix: "massacorp-output-" });
  try {
    for (const group of wanted) {
      const reason = await unmet(group);
      if (reason !== undefined) {
        skippedGroups.push(`${group.name} (${reason})`);
        if (strict) total.failed++;
        else total.skipped++;
        continue;
      }
      say(`\n== ${group.name}: ${group.about}`);
      const outcome = await runGroup(
        group,
        { [clusterVariable]: cluster.socketFolder, [outputVariable]: output },
        cluster,
      );
      total.passed += outcome.passed;
      total.failed += outcome.failed;
      total.skipped += outcome.skipped;
    }
  } finally {
    await cluster.stop();
  }
  say("");
  total.failed += await reportLeaks(output);
  await Deno.remove(output, { recursive: true });
  for (const skipped of skippedGroups) {
    say(`${strict ? "FAILED, because CI skips nothing" : "skipped"}: ${skipped}`);
  }
  say(inWords(total));
  return total.failed > 0 ? 1 : 0;
}

/** Secrets in what processes said are one failure. @returns how many failures */
async function reportLeaks(output: string): Promise<number> {
  const { findLeaks } = await import("./support/leaks.ts");
  const { leaks, lines } = await findLeaks(output);
  say(`${lines} lines of output were looked through for secrets`);
  for (const { line } of leaks.slice(0, 20)) say(`LEAKED in ${line}`);
  return leaks.length > 0 ? 1 : 0;
}

export function inWords({ passed, failed, skipped }: Outcome): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

export function say(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

if (import.meta.main) Deno.exit(await main(Deno.args));
