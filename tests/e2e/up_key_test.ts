import { equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { namespaces } from "../support/netns.ts";
import { projectFolder, startUp } from "../support/up.ts";
import { cli } from "../support/cli.ts";

Deno.test("wg:adopt-key: a lost gateway key stops the start, and is given up only by its name", async () => {
  const parent = await Deno.makeTempDir({ prefix: "massacorp-up-" });
  await Deno.chmod(parent, 0o711);
  await using _parent = {
    [Symbol.asyncDispose]: () => Deno.remove(parent, { recursive: true }),
  };
  // So long that its sockets lie elsewhere; the commands find them there.
  const data = join(parent, "a-data-folder-with-quite-a-long-name".repeat(3));
  await using hosts = await namespaces("server");
  const adopt = async (...args: string[]) => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "-P=local", `--allow-write=${data},/run/massacorp,/tmp`].concat(
        "deploy/local/adopt_key.ts",
        args,
      ),
      cwd: projectFolder,
      env: { MASSACORP_DATA: data },
      stdin: "null",
      stderr: "inherit",
    }).output();
    return { code, out: new TextDecoder().decode(stdout) };
  };
  const keyOf = async () =>
    /^key +(\S{44})$/m.exec((await cli("wg:status", [], { MASSACORP_DATA: data })).out)?.[1] ?? "";

  let name = "";
  let lost = "";
  {
    await using up = startUp(hosts, "server", { dataFolder: data });
    await up.up();
    name = up.interface;
    lost = await keyOf();
    equal(lost.length, 44);
    up.signal("SIGINT");
    equal(await up.ended, 0);
  }
  equal((await adopt("--forget", lost)).code, 1, "the host has it");
  await Deno.remove(join(data, "wgd/gateway.key"));
  {
    await using up = startUp(hosts, "server", { dataFolder: data, interface: name });
    equal(await up.ended, 1);
    const said = up.said.filter((line) => /this host has no gateway key/.test(line));
    equal(said.filter((line) => line.includes("{")).length, 1, "once in the log");
    equal(said.filter((line) => !line.includes("{")).length, 1, "and once in words");
    match(said.join("\n"), /deno task wg:adopt-key/);
  }
  const told = await adopt();
  match(told.out, /this host +none/);
  match(told.out, /peers +1\n/);
  ok(told.out.includes(`deno task wg:adopt-key --forget ${lost}`));
  const wrong = await adopt("--forget", "A".repeat(43) + "=");
  equal(wrong.code, 1);
  match(wrong.out, new RegExp(`the published key is .{44}, not that one; nothing was changed`));
  equal((await adopt("--forget", lost)).code, 0);
  {
    await using up = startUp(hosts, "server", { dataFolder: data, interface: name });
    await up.up();
    const fresh = await keyOf();
    equal(fresh.length, 44);
    ok(fresh !== lost);
    const list = await cli("peer:list", ["--tenant", "platform"], { MASSACORP_DATA: data });
    match(list.out, / active /, "its peers are applied under the new key");
  }
});
