import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keepAll } from "./support/output.ts";
import { writePrograms } from "./support/write_programs.ts";

const project = fileURLToPath(new URL("..", import.meta.url));

Deno.test("tasks that change keys and schema: asked for help, each says how it is called, and makes nothing", async () => {
  const { tasks } = JSON.parse(await Deno.readTextFile(join(project, "deno.json")));
  const names = [
    "db:migrate",
    "db:reset",
    "wg:rotate-key",
    "wg:adopt-key",
    "encryption:key",
    "jwt:keys",
  ];
  const folder = await Deno.makeTempDir();
  try {
    for (const name of names) {
      const [program = "", ...args] = String(tasks[name]).split(" ");
      equal(program, "deno", name);
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [...args.toSpliced(1, 0, "--no-check"), "--help"],
        cwd: project,
        env: { MASSACORP_DATA: join(folder, "data") },
        stdin: "null",
      }).output();
      const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      keepAll(said);
      match(said, new RegExp(`^usage: deno task ${name}`), said);
      equal(code, 0, name);
      deepEqual(await Array.fromAsync(Deno.readDir(folder)), [], name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function outcome(program: string, args: string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    ...{ args, env, cwd: project, stdin: "null" },
  }).output();
  const [out = "", said = ""] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  keepAll(out, said);
  return { code, out, said };
}

/** massacorpctl of a host with these settings, where Deno says what it was called with. */
async function installed(root: string, settings: string): Promise<string> {
  await Deno.writeTextFile(join(root, "massacorp.env"), settings);
  await Deno.mkdir(join(root, "bin"));
  const deno = '#!/bin/sh\necho "${WG_INTERFACE_ID:-} ${WG_KEY_FILE:-} $*"\n';
  await writePrograms({ [join(root, "bin/deno")]: deno });
  return (await Deno.readTextFile(join(project, "deploy/systemd/massacorpctl")))
    .replace("home=/opt/massacorp", `home=${root}`)
    .replace("settings=/etc/massacorp/massacorp.env", `settings=${root}/massacorp.env`);
}

Deno.test("massacorpctl wg:rotate-key, wg:adopt-key: are of the gateway that this host is", async () => {
  const root = await Deno.makeTempDir();
  try {
    const script = await installed(root, "WG_INTERFACE_ID=2\nWG_KEY_FILE=/srv/wg1/key\n");
    for (const command of ["wg:rotate-key", "wg:adopt-key"]) {
      const { out } = await outcome("sh", ["-c", script, "massacorpctl", command]);
      match(out, /^2 \/srv\/wg1\/key run .* --allow-write=\/srv\/wg1 /, command);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("massacorpctl backup: may write where its settings say; by the unit's set alone it is told in words", async () => {
  const root = await Deno.makeTempDir();
  try {
    const script = await installed(root, "BACKUP_RECIPIENTS=age1x\nBACKUP_FOLDER=/srv/elsewhere\n");
    const ctl = (env: Record<string, string> = {}) =>
      outcome("sh", ["-c", script, "massacorpctl", "backup"], env);
    match(
      (await ctl()).out,
      / -P=backup --allow-write=\/srv\/elsewhere,\/var\/lib\/massacorp\/backup,/,
    );
    const refused = await ctl({ BACKUP_FOLDER: "/srv/a,b" });
    equal(refused.code, 78);
    match(
      refused.said,
      /^massacorpctl: BACKUP_FOLDER: a path with a comma cannot be used: \/srv\/a,b$/m,
    );

    const unit = await outcome(
      Deno.execPath(),
      ["run", "-q", "--no-check", "--no-prompt", "-P=backup", "deploy/backup/main.ts", "backup"],
      { BACKUP_FOLDER: "/srv/elsewhere", MASSACORP_DATA: join(root, "data") },
    );
    equal(unit.code, 78);
    match(unit.out + unit.said, /BACKUP_FOLDER: .* mount \/srv\/elsewhere there/);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
