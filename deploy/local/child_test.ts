import { deepEqual, equal, rejects } from "node:assert/strict";
import { isThere } from "../../lib/absent.ts";
import { startChild } from "./child.ts";
import { patience } from "./services.ts";

const common = { cwd: "/", env: { PATH: Deno.env.get("PATH") ?? "" } };
const never = new AbortController().signal;

Deno.test("startChild: is ready when it says so, and hands over its lines", async () => {
  const heard: string[] = [];
  const running = await startChild({
    ...common,
    argv: ["sh", "-c", 'echo "up $SECRET"; exec sleep 60'],
    env: { ...common.env, SECRET: "given" },
    onLine: (line) => heard.push(line),
    isReady: () => Promise.resolve(heard.length > 0),
  }, never);
  await running.stop();
  deepEqual(heard, ["up given"]);
});

Deno.test("startChild: inherits no variable", async () => {
  Deno.env.set("MASSACORP_LEAK", "leaked");
  const heard: string[] = [];
  const running = await startChild({
    ...common,
    argv: ["env"],
    onLine: (line) => heard.push(line),
    isReady: () => Promise.resolve(heard.length > 0),
  }, never).catch(() => undefined);
  await running?.exited;
  Deno.env.delete("MASSACORP_LEAK");
  equal(heard.some((line) => line.includes("leaked")), false);
});

Deno.test("startChild: one that ends before it is ready fails with its last words", async () => {
  await rejects(
    startChild({
      ...common,
      argv: ["sh", "-c", "echo why >&2; exit 3"],
      onLine: () => {},
      isReady: () => Promise.resolve(false),
    }, never),
    /exit code 3\n {2}why/,
  );
});

Deno.test("startChild: of one that logged why it ends, the words are told and not the log", async () => {
  const log = (level: string, more: object) =>
    JSON.stringify({ level, message: "it ends", ...more });
  const said = [log("info", {}), log("error", { error: "the key is lost" }), "noise"];
  await rejects(
    startChild({
      ...common,
      argv: ["sh", "-c", `cat <<'TEXT'\n${said.join("\n")}\nTEXT\nexit 1`],
      onLine: () => {},
      isReady: () => Promise.resolve(false),
    }, never),
    { message: "exit code 1\n  the key is lost" },
  );
});

Deno.test("startChild: one that is never ready is killed", async () => {
  let pid = 0;
  await rejects(
    startChild({
      ...common,
      argv: ["sh", "-c", "echo $$; trap '' TERM; while :; do read -r _ </dev/zero; done"],
      onLine: (line) => pid = Number(line),
      isReady: () => Promise.resolve(false),
      readyTimeoutMs: 300,
      stopTimeoutMs: 100,
    }, never),
    /did not become ready in time/,
  );
  equal(await isThere(`/proc/${pid}`), false);
});

Deno.test("stop: asks with SIGTERM, then kills", async () => {
  for (
    const [script, ending, stopTimeoutMs] of [
      // It ends by itself, however long a busy machine takes over that.
      ["trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done", "exit code 0", 30_000],
      ["trap '' TERM; echo up; while :; do sleep 0.05; done", "killed by SIGKILL", 300],
    ] as const
  ) {
    let up = false;
    const running = await startChild({
      ...common,
      argv: ["sh", "-c", script],
      onLine: () => up = true,
      isReady: () => Promise.resolve(up),
      stopTimeoutMs,
    }, never);
    await running.stop();
    equal(await running.exited, ending);
  }
});

Deno.test("stop: a watcher is killed once its program has ended, and not while that still works", async () => {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-child-" });
  try {
    const program = `${folder}/program.ts`;
    await Deno.writeTextFile(
      program,
      `Deno.addSignalListener("SIGTERM", () => {
        console.log("stopping");
        setTimeout(() => { console.log("done"); Deno.exit(0); }, 2_000);
      });
      setInterval(() => {}, 1_000);
      console.log("up");`,
    );
    const heard: string[] = [];
    const running = await startChild({
      ...common,
      argv: [Deno.execPath(), "run", "--watch", "--no-prompt", program],
      env: { ...common.env, HOME: folder, DENO_DIR: folder, NO_COLOR: "1" },
      onLine: (line) => heard.push(line),
      isReady: () => Promise.resolve(heard.includes("up")),
      ...patience({ watch: true }),
    }, never);
    await running.stop();
    equal(await running.exited, "killed by SIGKILL");
    deepEqual(heard.filter((line) => !line.startsWith("Watcher")), ["up", "stopping", "done"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
