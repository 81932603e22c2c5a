import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { groups } from "./groups.ts";
import { writePrograms } from "./support/write_programs.ts";

/**
 * The wrapper `massacorp` on machines made of stand-ins: a PATH that holds only what a machine has, each
 * program writing down how it was called.
 */
const project = fileURLToPath(new URL("..", import.meta.url));
const pin = (await Deno.readTextFile(join(project, ".deno-version"))).trim();
const wrapper = await Deno.readTextFile(join(project, "massacorp"));
const coreutils = new Map<string, string>();
for (
  const name of [
    "sh",
    "cat",
    "cmp",
    "cp",
    "dirname",
    "ln",
    "mkdir",
    "mktemp",
    "readlink",
    "rm",
    "sed",
  ]
) coreutils.set(name, await which(name));

interface Machine {
  uid: number;
  /** Name and the lines of its script. */
  programs: Record<string, string>;
  env?: Record<string, string>;
}

async function onMachine(machine: Machine, args: string[], { fresh = false } = {}) {
  const root = await Deno.makeTempDir();
  try {
    const bin = join(root, "bin");
    const clone = join(root, "clone");
    await Deno.mkdir(bin);
    await Deno.mkdir(join(clone, "node_modules"), { recursive: true });
    for (const name of [".deno-version", "deno.lock"]) {
      await Deno.copyFile(join(project, name), join(clone, name));
    }
    if (!fresh) {
      await Deno.copyFile(join(project, "deno.lock"), join(clone, "node_modules/.massacorp.lock"));
    }
    for (const [name, path] of coreutils) await Deno.symlink(path, join(bin, name));
    const calls = join(root, "calls");
    await Deno.writeTextFile(calls, "");
    const programs = { id: `echo ${machine.uid}`, ...machine.programs };
    const texts = Object.entries(programs).map(([name, script]) => {
      const record = name === "id" ? "" : `echo "${name} $*" >> ${calls}\n`;
      return [join(bin, name), `#!/bin/sh\n${record}${script}\n`];
    });
    await writePrograms({ ...Object.fromEntries(texts), [join(clone, "massacorp")]: wrapper });
    const { code, stdout, stderr } = await new Deno.Command(join(clone, "massacorp"), {
      args,
      clearEnv: true,
      env: { PATH: bin, HOME: root, TMPDIR: root, BIN: bin, CLONE: clone, ...machine.env },
      stdin: "null",
    }).output();
    const said = new TextDecoder().decode(stderr).replaceAll(root, "");
    const called = (await Deno.readTextFile(calls)).replaceAll(root, "").split("\n").filter(
      Boolean,
    );
    const answer = new TextDecoder().decode(stdout).replaceAll(root, "");
    return { code, answer, said, called };
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function which(name: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", `command -v ${name}`] }).output();
  return new TextDecoder().decode(stdout).trim();
}

const deno = (version: string) => `[ "$1" != eval ] || echo "${version} $BIN/deno"`;
const tunnelPrograms = { ip: "", wg: "", nft: "", "wireguard-go": "", unshare: "exit 1" };

Deno.test("massacorp up: quiet and to the point where everything is there", async () => {
  const { code, said, called } = await onMachine(
    { uid: 0, programs: { ...tunnelPrograms, deno: deno(pin), "apt-get": "" } },
    ["up", "--watch"],
  );
  equal(code, 0);
  equal(said, "");
  match(called.at(-1) ?? "", /^deno run .*-P=local .*\/deploy\/local\/main\.ts --watch$/);
  equal(called.some((call) => call.startsWith("apt-get")), false);
});

Deno.test("massacorp up: root on Debian installs exactly what is missing", async () => {
  const { code, said, called } = await onMachine(
    { uid: 0, programs: { ip: "", unshare: "exit 1", deno: deno(pin), "apt-get": "" } },
    ["up"],
  );
  equal(code, 0);
  match(said, /installing wireguard-tools nftables wireguard-go$/m);
  deepEqual(called.filter((call) => call.startsWith("apt-get")), [
    "apt-get update",
    "apt-get install -y -o DPkg::Lock::Timeout=300 --no-install-recommends wireguard-tools nftables wireguard-go",
  ]);
});

Deno.test("massacorp up: no wireguard-go where the kernel has WireGuard", async () => {
  const { called } = await onMachine({
    uid: 0,
    programs: { ip: "", wg: "", nft: "", unshare: "exit 0", deno: deno(pin), "apt-get": "" },
  }, ["up"]);
  equal(called.some((call) => call.startsWith("apt-get")), false);
});

Deno.test("massacorp up: somebody else is told the one line to run", async () => {
  const { code, said, called } = await onMachine(
    { uid: 1000, programs: { ip: "", unshare: "exit 1", deno: deno(pin), "apt-get": "" } },
    ["up"],
  );
  equal(code, 1);
  match(said, /sudo apt-get install -y wireguard-tools nftables wireguard-go$/m);
  equal(called.some((call) => /^(apt-get|deno run)/.test(call)), false);
});

Deno.test("massacorp up --no-tunnel: needs no system package and no root", async () => {
  const { code, said, called } = await onMachine({ uid: 1000, programs: { deno: deno(pin) } }, [
    "up",
    "--no-tunnel",
  ]);
  equal(code, 0, said);
  match(called.at(-1) ?? "", /main\.ts --no-tunnel$/);
});

Deno.test("massacorp: another version of Deno is left alone, and the pinned one installed by npm", async () => {
  const npm = `
    folder="$CLONE/.deno/node_modules/@deno/linux-x64-glibc"
    mkdir -p "$folder"
    printf '#!/bin/sh\\n[ "$1" != eval ] || echo "${pin} $CLONE/.deno/bin/deno"\\n' > "$folder/deno"
    chmod 755 "$folder/deno"`;
  const { code, said, called } = await onMachine({
    uid: 1000,
    programs: { deno: deno("1.0.0"), npm, chmod: `/bin/chmod "$@"` },
  }, ["up", "--no-tunnel"]);
  equal(code, 0, said);
  match(said, new RegExp(`^massacorp: installing Deno ${pin} into \\.deno$`, "m"));
  const install = called.find((call) => call.startsWith("npm"));
  match(install ?? "", new RegExp(`--prefix .*/\\.deno .*--ignore-scripts deno@${pin}$`));
  equal(called.some((call) => call.startsWith("deno run")), false);
});

Deno.test("massacorp: a registry that breaks off or hangs is asked again, twice, and then it is said", async () => {
  const installing = async (failures: number) => {
    const install = `printf x >> "$CLONE/tries"
      tries=$(cat "$CLONE/tries")
      [ \${#tries} -gt ${failures} ]`;
    const programs = {
      deno: `if [ "$1" = install ]; then ${install}\nelse ${deno(pin)}; fi`,
      timeout: '[ "$2" != 1 ] || exit 0; shift 3; exec "$@"',
      sleep: "",
    };
    const machine = { uid: 1000, programs };
    const { code, said, called } = await onMachine(machine, ["up", "--no-tunnel"], { fresh: true });
    const tries = called.filter((call) =>
      /^timeout --foreground --kill-after=10 600 \S+\/deno install --frozen$/.test(call)
    );
    return { code, tries: tries.length, pauses: said.match(/trying again in \d+ s/g), said };
  };
  const pauses = ["trying again in 5 s", "trying again in 20 s"];
  const well = await installing(0);
  deepEqual([well.code, well.tries, well.pauses], [0, 1, null], well.said);
  const late = await installing(2);
  deepEqual([late.code, late.tries, late.pauses], [0, 3, pauses], late.said);
  const never = await installing(9);
  deepEqual([never.code, never.tries, never.pauses], [1, 3, pauses], never.said);
  match(never.said, /the packages could not be installed$/m);
});

Deno.test("massacorp: without npm and curl it says what it needs", async () => {
  const { code, said } = await onMachine({ uid: 1000, programs: {} }, ["up", "--no-tunnel"]);
  equal(code, 1);
  match(said, /neither npm nor curl/);
});

Deno.test("massacorp demo: refuses without root, by the line to run", async () => {
  const { code, said } = await onMachine({ uid: 1000, programs: { deno: deno(pin) } }, ["demo"]);
  equal(code, 1);
  match(said, /sudo \.\/massacorp demo/);
});

Deno.test("massacorp test: installs an emulator for kernel alone, an engine for compose alone", async () => {
  const tests = {
    zbarimg: "",
    "redis-server": "",
    ping: "",
    "mkfs.ext4": "",
    faketime: "",
    shellcheck: "",
    chromium: "",
    "systemd-analyze": "",
  };
  const installed = async (unshare: string, ...groups: string[]) => {
    const programs = { ...tunnelPrograms, ...tests, unshare, deno: deno(pin), "apt-get": "" };
    const { called } = await onMachine({ uid: 0, programs }, ["test", ...groups]);
    match(called.at(-1) ?? "", new RegExp(`^deno run .*/tests/run\\.ts *${groups.join(" ")}$`));
    return called.filter((call) => call.startsWith("apt-get install"));
  };
  deepEqual(await installed("exit 1", "kernel"), [
    "apt-get install -y -o DPkg::Lock::Timeout=300 --no-install-recommends qemu-system-x86",
  ]);
  deepEqual(await installed("exit 0", "kernel"), []);
  deepEqual(await installed("exit 1", "unit", "e2e"), []);
  const [engine = ""] = await installed("exit 1", "compose");
  match(engine, / docker\.io docker-compose debootstrap( iptables)? prometheus$/);
  deepEqual(await installed("exit 1", "systemd", "kernel"), [
    "apt-get install -y -o DPkg::Lock::Timeout=300 --no-install-recommends debootstrap qemu-system-x86",
  ]);
});

Deno.test("massacorp test: installs what any group says that it needs", async () => {
  const packageOf: Record<string, string> = {
    ip: "iproute2",
    nft: "nftables",
    wg: "wireguard-tools",
    "wg-quick": "wireguard-tools",
    ping: "iputils-ping",
    zbarimg: "zbar-tools",
    "mkfs.ext4": "e2fsprogs",
    "systemd-analyze": "systemd",
    promtool: "prometheus",
    pg_createcluster: "postgresql",
    dockerd: "docker.io",
    docker: "docker.io",
  };
  // Of util-linux, without which there is no Debian.
  const essential = ["setpriv", "unshare", "mount", "umount", "prlimit", "nsenter"];
  const given = { unshare: "exit 1", deno: deno(pin), "apt-get": "" };
  for (const { name, needs } of groups) {
    const { called } = await onMachine({ uid: 0, programs: given }, ["test", name]);
    const line = called.find((call) => call.startsWith("apt-get install")) ?? "";
    const installed = new Set(line.split(" "));
    const missing = (needs.programs ?? []).filter((program) =>
      !essential.includes(program) && !installed.has(packageOf[program] ?? program)
    );
    deepEqual([name, missing], [name, []]);
    equal(installed.size, line.split(" ").length, "each once");
  }
});

Deno.test("massacorp backup: on a fresh clone the packages are installed first, and later nothing is", async () => {
  const programs = { deno: deno(pin) };
  const calls = async (fresh: boolean) => {
    const { code, called } = await onMachine({ uid: 0, programs }, ["backup", "--help"], { fresh });
    equal(code, 0);
    return called.filter((call) => call.startsWith("deno install") || call.startsWith("deno run"));
  };
  const [install = "", run = "", ...more] = await calls(true);
  equal(install, "deno install --frozen");
  match(run, /^deno run .*--cached-only -P=backup .*main\.ts backup --help$/);
  deepEqual(more, []);
  deepEqual(await calls(false), [run]);
});

Deno.test("massacorp: a path that Deno's lists cannot hold is refused by its setting's name", async () => {
  const machine = (env: Record<string, string>) => ({
    uid: 0,
    programs: { ...tunnelPrograms, deno: deno(pin) },
    env,
  });
  const cases: [string, string[]][] = [
    ["MASSACORP_DATA", ["up", "--no-tunnel"]],
    ["MASSACORP_DATA", ["backup"]],
    ["MASSACORP_DATA", ["restore", "FILE"]],
    ["BACKUP_FOLDER", ["backup"]],
    ["BACKUP_METRICS", ["backup"]],
  ];
  for (const [setting, args] of cases) {
    const { code, said, called } = await onMachine(machine({ [setting]: "/srv/a,b/c" }), args);
    equal(code, 1, `${setting} ${args}`);
    match(
      said,
      new RegExp(`^massacorp: ${setting}: a path with a comma cannot be used: /srv/a,b/c$`, "m"),
    );
    equal(called.some((call) => call.startsWith("deno run")), false);
  }
});

Deno.test("massacorp prepare: says where Deno is on the standard output, and nothing else there", async () => {
  const { code, answer, called } = await onMachine(
    { uid: 0, programs: { ...tunnelPrograms, deno: deno(pin), "apt-get": "" } },
    ["prepare"],
  );
  equal(code, 0);
  equal(answer, "/bin/deno\n");
  equal(called.some((call) => call.startsWith("deno run")), false);
});

Deno.test("massacorp: anything else is answered with its usage", async () => {
  const { code, said } = await onMachine({ uid: 0, programs: {} }, ["destroy"]);
  equal(code, 2);
  match(said, /^usage: \.\/massacorp up/);
});
