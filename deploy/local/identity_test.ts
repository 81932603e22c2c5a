import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { until } from "../../tests/support/until.ts";
import { writePrograms } from "../../tests/support/write_programs.ts";
import { createIdentity, databaseUid, findCovers } from "./identity.ts";

const asRoot = { ignore: Deno.uid() !== 0 };

async function run(argv: string[]): Promise<string> {
  const [program = "", ...args] = argv;
  const { stdout, stderr } = await new Deno.Command(program, { args, cwd: "/" }).output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

/** A folder that only its owner may enter, with two others inside. */
async function closedFolder() {
  const path = await Deno.makeTempDir();
  await Deno.mkdir(join(path, "kept/deep"), { recursive: true });
  await Deno.writeTextFile(join(path, "kept/deep/file"), "reached\n");
  await writePrograms({ [join(path, "program")]: "#!/bin/sh\necho ran\n" });
  await Deno.writeTextFile(join(path, "other"), "private\n");
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("findCovers: open ways need none", async () => {
  deepEqual(await findCovers(["/usr/bin/env", "/etc/passwd"]), []);
});

Deno.test("findCovers: the outermost closed folder, with what lies behind it", async () => {
  await using closed = await closedFolder();
  const kept = join(closed.path, "kept");
  const program = join(closed.path, "program");
  deepEqual(await findCovers([kept, join(kept, "deep"), program, "/etc"]), [
    { folder: closed.path, keep: [kept, program] },
  ]);
});

Deno.test({
  name: "drop: another user, without capabilities or a way back to them",
  ...asRoot,
  async fn() {
    const identity = await createIdentity([]);
    const drop = { uid: databaseUid, deathSignal: "TERM" } as const;
    const status = await run(identity.drop(["/bin/cat", "/proc/self/status"], drop));
    match(status, new RegExp(`^Uid:(\\t${databaseUid}){4}$`, "m"));
    match(status, new RegExp(`^Gid:(\\t${databaseUid}){4}$`, "m"));
    match(status, new RegExp(`^Groups:\\t${databaseUid}? *$|^Groups:\\t *$`, "m"));
    for (const set of ["Inh", "Prm", "Eff", "Bnd", "Amb"]) {
      match(status, new RegExp(`^Cap${set}:\\t0{16}$`, "m"));
    }
    match(status, /^NoNewPrivs:\t1$/m);
  },
});

Deno.test({
  name: "drop: root with one capability",
  ...asRoot,
  async fn() {
    const identity = await createIdentity([]);
    const drop = { uid: 0, capabilities: ["net_admin"], deathSignal: "TERM" } as const;
    const status = await run(identity.drop(["/bin/cat", "/proc/self/status"], drop));
    const netAdmin = (1 << 12).toString(16).padStart(16, "0");
    for (const set of ["Prm", "Eff", "Bnd"]) {
      match(status, new RegExp(`^Cap${set}:\\t${netAdmin}$`, "m"));
    }
  },
});

Deno.test({
  name:
    "drop: reaches what was named behind a closed folder, at its own path, and nothing else of it",
  ...asRoot,
  async fn() {
    await using closed = await closedFolder();
    const [kept, program] = [join(closed.path, "kept"), join(closed.path, "program")];
    const identity = await createIdentity([kept, program]);
    const drop = { uid: databaseUid, deathSignal: "TERM" } as const;
    equal(await run(identity.drop(["/bin/cat", join(kept, "deep/file")], drop)), "reached\n");
    equal(await run(identity.drop([program], drop)), "ran\n");
    equal(await run(identity.drop(["/bin/ls", closed.path], drop)), "kept\nprogram\n");
    equal((await Deno.readTextFile("/proc/self/mounts")).includes(closed.path), false);
  },
});

Deno.test({
  name: "drop: ends when whoever started it dies",
  ...asRoot,
  async fn() {
    const identity = await createIdentity([]);
    const argv = identity.drop(["/bin/sleep", "60"], { uid: databaseUid, deathSignal: "TERM" });
    const parent = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", startAndTell, ...argv],
      stdout: "piped",
    }).spawn();
    const reader = parent.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const pid = Number((await reader.read()).value);
    parent.kill("SIGKILL");
    await parent.status;
    await reader.cancel();
    await until("it is over", async () => !await isRunning(pid));
  },
});

const startAndTell = `
  const [program, ...args] = Deno.args;
  const child = new Deno.Command(program, { args, detached: true }).spawn();
  // Told once the last program of the chain runs.
  while (!Deno.readTextFileSync("/proc/" + child.pid + "/cmdline").startsWith("/bin/sleep")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  console.log(child.pid);
  await child.status;
`;

/** False for a process that is gone, or a zombie that nobody has collected yet. */
async function isRunning(pid: number): Promise<boolean> {
  try {
    return !/^State:\tZ/m.test(await Deno.readTextFile(`/proc/${pid}/status`));
  } catch {
    return false;
  }
}
