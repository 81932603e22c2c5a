import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type Stack, stackOn, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";

const folder = fileURLToPath(new URL("../../deploy/prometheus", import.meta.url));

async function promtool(args: string[], input?: string): Promise<{ code: number; said: string }> {
  const child = new Deno.Command("promtool", {
    args,
    cwd: folder,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  if (input !== undefined) await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, said: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("promtool: rules and configuration are valid, and each alert fires on its trouble and on nothing else", async () => {
  for (
    const args of [
      ["check", "rules", "rules.yml"],
      ["check", "config", "prometheus.yml"],
      ["test", "rules", "rules_test.yml"],
    ]
  ) {
    const { code, said } = await promtool(args);
    assert.equal(code, 0, `${args.join(" ")}: ${said}`);
  }
  // The tests of rules are worth something: a rule that never fires fails them.
  const broken = await Deno.makeTempDir();
  for (const name of ["rules.yml", "rules_test.yml"]) {
    const text = await Deno.readTextFile(`${folder}/${name}`);
    await Deno.writeTextFile(
      `${broken}/${name}`,
      text.replace("massacorp_wgd_keys_unexplained) > 0", "massacorp_wgd_keys_unexplained) > 9"),
    );
  }
  const { code, said } = await promtool(["test", "rules", `${broken}/rules_test.yml`]);
  assert.equal(code, 1);
  assert.match(said, /WireGuardBrakeOn/);
  await Deno.remove(broken, { recursive: true });
});

const address = "127.0.0.1:9464";

async function startPrometheus({ net }: Stack): Promise<AsyncDisposable> {
  const data = await Deno.makeTempDir({ prefix: "massacorp-prometheus-" });
  const rules = await Deno.readTextFile(`${folder}/rules.yml`);
  // Nobody waits for minutes here: the same rules, but for how long a thing has to last.
  await Deno.writeTextFile(`${data}/rules.yml`, rules.replaceAll(/for: \d+[mh]/g, "for: 1s"));
  const config = await Deno.readTextFile(`${folder}/prometheus.yml`);
  await Deno.writeTextFile(
    `${data}/prometheus.yml`,
    config.replaceAll(/_interval: 15s/g, "_interval: 1s"),
  );
  const [program = "", ...args] = net.argv("server", [
    "prometheus",
    ...[`--config.file=${data}/prometheus.yml`, `--storage.tsdb.path=${data}/tsdb`],
    ...["--web.listen-address=127.0.0.1:9090", "--log.level=warn"],
  ]);
  const child = new Deno.Command(program, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(data, { recursive: true });
    },
  };
}

Deno.test("prometheus: scrapes a real stack, and an alert fires when the daemon is killed and ends when it is back", async () => {
  await using made = await stackOn({ env: { OPERATOR_LISTEN: address } });
  await made.daemon.start();
  await made.startApi();
  await tenantOn(made, "acme");
  await using _prometheus = await startPrometheus(made);
  const query = (expression: string) =>
    made.net.run("server", ["promtool", "query", "instant", "http://127.0.0.1:9090", expression]);
  const firing = async () =>
    [...(await query('ALERTS{alertstate="firing"}')).matchAll(/alertname="(\w+)"/g)]
      .map(([, name = ""]) => name);
  await until(
    "it scrapes API and daemon",
    async () =>
      /=> 1 @/.test(await query('up{job="massacorp"}')) &&
      /=> 1 @/.test(await query('massacorp_api_relayed{process="wgd"}')) &&
      /massacorp_wgd_database_connected.*=> 1 @/.test(
        await query("massacorp_wgd_database_connected"),
      ),
    {
      timeoutMs: 30_000,
      everyMs: 500,
    },
  );
  const text = await made.net.run("server", [
    Deno.execPath(),
    "eval",
    `console.log(await (await fetch("http://${address}/metrics")).text())`,
  ]);
  const { code, said } = await promtool(["check", "metrics"], `${text.trimEnd()}\n`);
  assert.equal(code, 0, said);
  assert.doesNotMatch(text, /tenant="/);
  const soon = { timeoutMs: 30_000, everyMs: 500 };
  // What it saw while all of it began is over, too.
  await until("nothing of the tunnel fires", async () => {
    return !(await firing()).some((name) => name.startsWith("WireGuard"));
  }, soon);
  await made.daemon.end("SIGKILL");
  await until(
    "the alert fires",
    async () => (await firing()).includes("WireGuardDaemonDown"),
    soon,
  );
  await made.daemon.start();
  await until("it ends", async () => !(await firing()).includes("WireGuardDaemonDown"), soon);
  await made.stopApi("SIGKILL");
  await until("the API is missed", async () => (await firing()).includes("MassaCorpApiDown"), soon);
});
