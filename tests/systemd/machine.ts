import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { binaries } from "../../db/embedded.ts";
import { type Outcome, outcomeOf, run } from "../../deploy/demo/run.ts";
import { projectFolder } from "../../deploy/local/services.ts";
import { type Namespaces, namespaces } from "../support/netns.ts";
import { keepAll } from "../support/output.ts";
import { until } from "../support/until.ts";

const cacheFolder = "/var/tmp/massacorp-systemd";
const packages = ["systemd", "systemd-sysv", "dbus", "ca-certificates", "postgresql-client"]
  .concat("wireguard-tools", "wireguard-go", "nftables", "iproute2", "procps", "curl")
  .concat("nginx-light", "pgbouncer");
/** Made again where something else belongs into it. */
const tree = join(cacheFolder, `tree-${packages.length}-${packages.at(-1)}`);

/** The services that an installation has. */
export const units = ["massacorp-migrate", "massacorp-wgd", "massacorp-sealer", "massacorp-api"];

/** As the power being cut: nothing of it is left but what lies on the disk. */
export const powerCut = `
  systemctl stop massacorp.target 'massacorp-api@*' ${units.join(" ")} nginx pgbouncer postgresql
  pkill -9 -x wireguard-go || true
  ip link del wg0 2>/dev/null || true
  nft flush ruleset
  systemctl reset-failed
`;

/** A Debian with systemd as process 1 and a PostgreSQL 16, the project at /srv/massacorp, and hosts beside it. */
export interface Machine extends AsyncDisposable {
  /** `host` is the machine's; `client` and `laptop` hang on it by a cable. */
  hosts: Namespaces;
  shell(line: string, options?: { timeoutMs?: number }): Promise<Outcome>;
  /** Host's pid of the machine's process 1. */
  pid: number;
}

export async function bootMachine(): Promise<Machine> {
  await using undo = new AsyncDisposableStack();
  await makeTree();
  const hosts = undo.use(await namespaces("host", "client", "laptop"));
  const [, , , namespace = ""] = hosts.argv("host", []);
  // Of its own, so that its units are not at the top of this machine's.
  const group = await unifiedGroup();
  undo.defer(() => removeGroups(group));
  const script = 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"';
  const child = new Deno.Command("sh", {
    args: [
      ...["-ec", script, "sh", group, "nsenter", `--net=/run/netns/${namespace}`],
      ...["unshare", "--mount", "--pid", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child"],
      ...["bash", fileURLToPath(new URL("boot.sh", import.meta.url)), tree, projectFolder],
      Deno.execPath(),
    ],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    detached: true,
  }).spawn();
  const words = new Response(child.stderr).text();
  undo.defer(async () => {
    child.kill("SIGKILL");
    await child.status;
    await words;
  });
  let gone = false;
  child.status.then(() => gone = true);
  const pid = await until("systemd is process 1", async () => {
    if (gone) throw new Error(`it did not boot: ${await words}`);
    return await firstProcess(child.pid);
  });
  const inside = (argv: readonly string[]) => ["nsenter", `--target=${pid}`, "--all", ...argv];
  const shell = (line: string, { timeoutMs = 60_000 } = {}) =>
    outcomeOf(inside(["sh", "-euc", `cd /srv/massacorp; ${line}`]), {
      timeoutMs,
      env: { HOME: "/root", LANG: "C.UTF-8", PATH: path },
    });
  const state = async () => (await shell("systemctl is-system-running")).stdout.trim();
  await until("it is booted", async () => /^(running|degraded)$/.test(await state()), {
    timeoutMs: 60_000,
  });
  await startPostgres(shell);
  undo.defer(async () => keepAll((await shell("journalctl --no-pager --output=cat")).stdout));
  const held = undo.move();
  return { hosts, shell, pid, [Symbol.asyncDispose]: () => held.disposeAsync() };
}

const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

async function makeTree(): Promise<void> {
  if (await Deno.stat(tree).then(() => true, () => false)) return;
  await Deno.mkdir(cacheFolder, { recursive: true });
  const fresh = `${tree}.new`;
  await run(["rm", "-rf", fresh], { timeoutMs: 60_000 });
  await run(
    ["debootstrap", "--variant=minbase", `--include=${packages.join(",")}`, "bookworm", fresh],
    { timeoutMs: 600_000 },
  );
  await run(["cp", "--recursive", join(binaries().postgres, "../.."), `${fresh}/opt/postgresql`], {
    timeoutMs: 60_000,
  });
  await Deno.rename(fresh, tree);
}

/** A new group of the unified hierarchy, wherever that is mounted. */
async function unifiedGroup(): Promise<string> {
  const mounts = await Deno.readTextFile("/proc/mounts");
  const at = /^\S+ (\S+) cgroup2 /m.exec(mounts)?.[1];
  if (at === undefined) throw new Error("there is no unified hierarchy of control groups");
  return await Deno.makeTempDir({ dir: at, prefix: "massacorp-test-" });
}

async function removeGroups(top: string): Promise<void> {
  const folders = (await run(["find", top, "-depth", "-type", "d"])).split("\n").filter(Boolean);
  for (const folder of folders) {
    await until(`${folder} is empty`, () => Deno.remove(folder).then(() => true));
  }
}

/** The child of unshare, once it is systemd. */
async function firstProcess(ancestor: number): Promise<number | undefined> {
  for (let pid = ancestor;;) {
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    const [child] = children.split(" ").filter(Boolean).map(Number);
    if (child === undefined) return undefined;
    const name = await Deno.readTextFile(`/proc/${child}/comm`);
    if (name.trim() === "systemd") return child;
    pid = child;
  }
}

/** An empty one, of the user `postgres`. */
export const makeCluster = `
    install -d -o postgres -m 700 /var/lib/pg
    runuser -u postgres -- /opt/postgresql/bin/initdb -D /var/lib/pg -U postgres --no-locale --encoding=UTF8 \
      --auth-local=peer --auth-host=scram-sha-256 --no-sync`;

/** In the place of what Debian's packages have, which starts no server: a service, a user of the system that is the superuser by its name. */
async function startPostgres(shell: Machine["shell"]): Promise<void> {
  const unit = `[Service]
User=postgres
RuntimeDirectory=postgresql
ExecStart=/opt/postgresql/bin/postgres -D /var/lib/pg -c listen_addresses=127.0.0.1 -c unix_socket_directories=/run/postgresql
`;
  const { success, stderr } = await shell(`
    id postgres >/dev/null 2>&1 || useradd --system postgres
    ${makeCluster}
    cat > /etc/systemd/system/postgresql.service <<'UNIT'
${unit}
UNIT
    systemctl daemon-reload
    systemctl restart postgresql`);
  if (!success) throw new Error(stderr);
}
