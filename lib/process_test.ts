import assert from "node:assert/strict";
import { patient, ProcessError, redact, runProcess } from "./process.ts";
import { Secret } from "./secret.ts";

const key = "4Kqi4VYGRQ8aCVPpbi1jHHuzDGoqk9Vi0l0QUfDtY0U=";

async function failure(program: string, args: string[], options = {}): Promise<ProcessError> {
  try {
    await runProcess(program, args, options);
  } catch (error) {
    assert.ok(error instanceof ProcessError);
    return error;
  }
  assert.fail(`${program} succeeded`);
}

Deno.test("runProcess: answers standard output, and gives a secret by stdin", async () => {
  assert.equal(await runProcess("cat", [], { stdin: new Secret("text\n") }), "text\n");
  assert.equal(await runProcess("echo", ["$HOME; `id`"]), "$HOME; `id`\n");
});

Deno.test("runProcess: passes nothing of the environment on", async () => {
  assert.equal(await runProcess("env", []), "");
});

Deno.test("T6: runProcess: a failure carries program and exit code, and its words without keys", async () => {
  const error = await failure("sh", ["-c", `echo "bad key: ${key}" >&2; exit 3`]);
  assert.equal(error.failure, "exit");
  assert.equal(error.exitCode, 3);
  assert.equal(error.message, "sh failed with exit code 3: bad key: [redacted]");
  assert.equal(error.summary, "sh failed with exit code 3");
});

Deno.test("runProcess: a program that is not there", async () => {
  const error = await failure("massacorp-no-such-program", []);
  assert.equal(error.failure, "start");
});

Deno.test("runProcess: a hanging program is killed in time", async () => {
  const started = performance.now();
  const error = await failure("sleep", ["60"], { timeoutMs: 100 });
  assert.equal(error.failure, "timeout");
  // It was not waited for.
  assert.ok(performance.now() - started < 30_000);
});

Deno.test("patient: waits so long, unless told otherwise of one call", async () => {
  const run = patient(100);
  await assert.rejects(run("sleep", ["60"]), { failure: "timeout" });
  assert.equal(await run("sh", ["-c", "sleep 0.3; echo late"], { timeoutMs: 10_000 }), "late\n");
});

Deno.test("runProcess: a program that says too much is killed", async () => {
  const error = await failure("yes", [], { maxOutputBytes: 10_000, timeoutMs: 20_000 });
  assert.equal(error.failure, "output");
});

Deno.test("runProcess: a program that reads none of a large stdin decides by its exit code", async () => {
  const stdin = "x".repeat(1024 * 1024);
  assert.equal(await runProcess("true", [], { stdin }), "");
  assert.equal((await failure("false", [], { stdin })).exitCode, 1);
});

Deno.test("redact: one bounded line without control characters or keys", () => {
  assert.equal(redact(`a\u001b[31m\n${key}\tb`), "a [31m [redacted] b");
  assert.equal(redact("x y ".repeat(1000)).length, 300);
  assert.equal(
    redact(`Key is not the correct length or format: \`${key.slice(0, -2)}'`).includes("4Kqi"),
    false,
  );
});
