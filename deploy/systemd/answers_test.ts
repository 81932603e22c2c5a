import { equal, ok } from "node:assert/strict";
import { until } from "../../tests/support/until.ts";
import { type Outcome, outcomeOf } from "../demo/run.ts";

/** As it is installed, but with this Deno, which may open any socket. */
const script = (await Deno.readTextFile(new URL("answers.sh", import.meta.url)))
  .replace(/\/opt\/massacorp\/bin\/deno run .* -P=health/, `${Deno.execPath()} run --quiet -A`);

Deno.test("answers.sh: waits for the answer of a process, and no longer than that lives", async () => {
  ok(script.includes(Deno.execPath()));
  await using undo = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir();
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  const socket = `${folder}/service.sock`;
  let [status, asked] = [503, 0];
  const server = Deno.serve({ transport: "unix", path: socket, onListen() {} }, () => {
    asked++;
    return new Response(null, { status });
  });
  undo.defer(() => server.shutdown());
  const main = undo.use(new Deno.Command("sleep", { args: ["60"] }).spawn());
  const ended: Outcome[] = [];
  const start = () => {
    asked = 0;
    const env = { MAINPID: String(main.pid) };
    outcomeOf(["sh", "-c", script, "answers.sh", socket, "/health"], { env, timeoutMs: 30_000 })
      .then((outcome) => ended.push(outcome));
    return until("it has asked, and asks again", () => asked > 1);
  };

  await start();
  equal(ended.length, 0, "it waits for an answer that is good");
  status = 200;
  await until("it has ended", () => ended.length === 1);
  equal(ended[0]?.code, 0, ended[0]?.stderr);

  status = 503;
  await start();
  main.kill("SIGKILL");
  await main.status;
  await until("it has ended with the process", () => ended.length === 2);
  equal(ended[1]?.success, false);
});
