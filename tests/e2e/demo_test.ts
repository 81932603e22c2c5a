import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { keptLines } from "../support/output.ts";
import { stopwatch } from "../support/stopwatch.ts";
import { projectFolder } from "../support/up.ts";

interface Line {
  title: string;
  ok: boolean;
  ms: number;
  status?: number;
  answer?: { email: string };
}

function startDemo() {
  const child = new Deno.Command(join(projectFolder, "massacorp"), {
    args: ["demo", "--json"],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const complaints: string[] = [];
  const hear = async () => {
    for await (const line of keptLines(child.stderr)) complaints.push(line);
  };
  return { child, told: keptLines(child.stdout), complaints, heard: hear() };
}

/** What a demo makes outside its own processes. */
async function traces(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of ["/run/netns", "/run/wireguard", "/tmp", "/run/massacorp"]) {
    try {
      for await (const { name } of Deno.readDir(folder)) {
        if (/^(mc-(server|client)-|massacorp-demo-|mc[abg][0-9a-f]{5}\.)/.test(name)) {
          found.push(name);
        }
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found.sort();
}

Deno.test("demo: every step is seen to work within a minute, and nothing is left", async () => {
  const before = await traces();
  using watch = stopwatch();
  const { child, told, complaints, heard } = startDemo();
  const steps: Line[] = [];
  for await (const line of told) steps.push(JSON.parse(line));
  await heard;
  equal((await child.status).code, 0, JSON.stringify({ steps, complaints }, null, 2));
  equal(steps.every(({ ok }) => ok), true);
  const last = steps.at(-1);
  equal(last?.status, 200);
  equal(last?.answer?.email, "admin@acme.example");
  ok((last?.ms ?? Infinity) - watch.lost() < 60_000);
  deepEqual(await traces(), before);
});

for (
  const title of ["the server starts from an empty folder", "the admin logs in through the tunnel"]
) {
  Deno.test(`demo: interrupted after "${title}", it cleans up and fails`, async () => {
    const before = await traces();
    const { child, told, heard } = startDemo();
    const steps: Line[] = [];
    for await (const line of told) {
      const step: Line = JSON.parse(line);
      steps.push(step);
      if (step.title === title) child.kill("SIGINT");
    }
    await heard;
    equal((await child.status).code, 1);
    equal(steps.at(-1)?.ok, false);
    deepEqual(await traces(), before);
  });
}
