import { deepEqual, match, ok } from "node:assert/strict";
import { outcomeOf } from "./demo/run.ts";

const read = (name: string) => Deno.readTextFile(new URL(name, import.meta.url));
const script = await read("install.sh");

Deno.test("install.sh: what serves is the program in use itself, running and ready, and nothing beside it", async () => {
  const [serves] = /^serves\(\) \($[^]*?^\)$/m.exec(script) ?? [];
  ok(serves);
  await using undo = new AsyncDisposableStack();
  const home = await Deno.makeTempDir();
  undo.defer(() => Deno.remove(home, { recursive: true }));
  const program = `${home}/bin/deno`;
  await Deno.mkdir(`${home}/bin`);
  // By a process of its own: what this one writes, others that are started meanwhile keep from being run for a while.
  ok((await outcomeOf(["cp", "/bin/sleep", program])).success);
  const child = undo.use(new Deno.Command(program, { args: ["60"] }).spawn());
  /** As systemd would say the API's process, and it would answer. */
  const says = async (pid: number, isReady: boolean) =>
    (await outcomeOf([
      "sh",
      "-euc",
      `
      home=${home}
      systemctl() { echo ${pid}; }
      ready() { ${isReady}; }
      ${serves}
      serves`,
    ])).success;
  const cases = {
    "it runs, and is ready": await says(child.pid, true),
    "it runs, and is not ready": await says(child.pid, false),
    "another program is ready": await says(Deno.pid, true),
    "nothing runs": await says(0, true),
  };
  // As an upgrade does: a file of the same name, and the process has the one before.
  await Deno.copyFile(program, `${program}.new`);
  await Deno.rename(`${program}.new`, program);
  deepEqual({ ...cases, "the program before is ready": await says(child.pid, true) }, {
    "it runs, and is ready": true,
    "it runs, and is not ready": false,
    "another program is ready": false,
    "nothing runs": false,
    "the program before is ready": false,
  });
});

Deno.test("uninstall.sh: every unit that install.sh brings goes, and that of containers stays", async () => {
  await using undo = new AsyncDisposableStack();
  const root = await Deno.makeTempDir();
  undo.defer(() => Deno.remove(root, { recursive: true }));
  const units = `${root}/etc/systemd/system`;
  await Deno.mkdir(units, { recursive: true });
  const installed = /^install_units\(\) \{$[^]*?^\}$/m.exec(script)?.[0];
  const uninstall = await read("uninstall.sh");
  const removed = uninstall.match(/^[^#\n]*rm -f [^]*?[^\\]$/gm)?.join("\n");
  ok(installed && removed);
  const names = async () =>
    (await Array.fromAsync(Deno.readDir(units), ({ name }) => name)).toSorted();
  const run = async (text: string) =>
    ok((await outcomeOf(["sh", "-euc", text.replaceAll(/\/(etc|usr)\//g, `${root}/$1/`)])).success);
  const project = new URL("..", import.meta.url).pathname;
  await run(
    `units=/etc/systemd/system; systemctl() { :; }; ${installed}; install_units ${project}`,
  );
  deepEqual((await names()).length, 8);
  await Deno.writeTextFile(`${units}/massacorp-compose.service`, "");
  await run(removed);
  deepEqual(await names(), ["massacorp-compose.service"]);
});

Deno.test("install.sh, uninstall.sh: of two at once the second ends with 75 before it changes anything, and another begins when the first has ended", async () => {
  await using undo = new AsyncDisposableStack();
  const root = await Deno.makeTempDir();
  undo.defer(() => Deno.remove(root, { recursive: true }));
  /** How a script gets the lock, and then `more`; before it nothing is changed. */
  const begun = async (name: string, more: string) => {
    const [lock = ""] = /^exec 9>[^]*?^\}$/m.exec(await read(name)) ?? [];
    const [before = ""] = (await read(name)).split(lock);
    ok(!/\b(rm|mv|cp|install -D|systemctl (stop|disable|restart))\b/.test(before), name);
    return `say() { echo "$*"; }\n${lock.replace("/run/", `${root}/`)}\n${more}`;
  };
  for (const first of ["install.sh", "uninstall.sh"]) {
    const child = new Deno.Command("sh", {
      args: ["-euc", await begun(first, "echo begun; read -r _")],
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    const words = child.stdout.getReader();
    await words.read();
    const codes: Record<string, number[]> = {};
    const tryBoth = async () => {
      for (const second of ["install.sh", "uninstall.sh"]) {
        const outcome = await outcomeOf(["sh", "-euc", await begun(second, "")]);
        (codes[second] ??= []).push(outcome.code);
        if (outcome.code !== 0) {
          match(outcome.stderr, /is at work on this host: nothing is changed/);
        }
      }
    };
    await tryBoth();
    await child.stdin.close();
    await words.cancel();
    await child.status;
    await tryBoth();
    deepEqual(codes, { "install.sh": [75, 0], "uninstall.sh": [75, 0] }, first);
  }
});
