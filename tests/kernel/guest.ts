import { dirname, join } from "node:path";
import { lines } from "../../lib/lines.ts";
import { projectFolder } from "../support/up.ts";
import { until } from "../support/until.ts";
import { guestFiles } from "./files.ts";

/** Whom QEMU runs as: unnamed, and apart from the users of deploy/local/identity.ts. */
const guestUid = 64203;
const memoryMib = 2048;
/** Debian and Ubuntu have it at the one or the other. */
const virtiofsdPlaces = ["/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd"];

const interrupts: Deno.Signal[] = ["SIGINT", "SIGTERM"];

/** Where a guest finds {@link GuestJob.prepared}. */
export const preparedPlace = "/guest/prepared";

export class GuestError extends Error {
  override name = "GuestError";
}

export interface GuestJob {
  /** Program and arguments; runs in the project's folder. */
  command: readonly string[];
  env?: Record<string, string>;
  /** A folder of this machine that the guest finds, read-only, at {@link preparedPlace}. */
  prepared?: string;
  /** Milliseconds from the start of the guest to its end. */
  timeoutMs: number;
  onLine: (line: string) => void;
}

/** Why no guest can run here, or undefined when one can. */
export async function guestUnmet(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "needs root, to share this machine's files with a guest read-only";
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") return "needs Linux on x86-64";
  const missing: string[] = [];
  for (const program of ["qemu-system-x86_64", "apt-get", "dpkg-deb", "setpriv", "unshare"]) {
    const { success } = await new Deno.Command("sh", {
      args: ["-c", 'command -v "$1"', "sh", program],
      stdout: "null",
    }).output();
    if (!success) missing.push(program);
  }
  if (!virtiofsd()) missing.push("virtiofsd");
  return missing.length > 0 ? `needs ${missing.join(", ")}` : undefined;
}

/**
 * Runs a command in a guest with a Linux kernel of Debian's, on this machine's files: it sees them as they are,
 * what it writes stays in its memory, and it has no network.
 *
 * @returns the command's exit status
 * @throws {GuestError} when the guest does not come up, or does not end in time
 */
export async function runInGuest(job: GuestJob): Promise<number> {
  const files = await guestFiles();
  const folder = await Deno.makeTempDir({ prefix: "massacorp-guest-" });
  const stop = new AbortController();
  const processes: Promise<unknown>[] = [];
  const interrupt = () => stop.abort();
  for (const signal of interrupts) Deno.addSignalListener(signal, interrupt);
  try {
    for (const name of ["share", "guest", "qemu"]) await Deno.mkdir(join(folder, name));
    await Deno.copyFile(new URL("./inside.sh", import.meta.url), join(folder, "guest/inside.sh"));
    await Deno.writeTextFile(join(folder, "guest/job.sh"), renderJob(job));
    await Deno.copyFile(files.busybox, join(folder, "guest/busybox"));
    for (const name of ["modules", "prepared"]) await Deno.mkdir(join(folder, "guest", name));
    await Deno.copyFile(files.kernel, join(folder, "qemu/vmlinuz"));
    await Deno.copyFile(files.initrd, join(folder, "qemu/initrd"));
    await Deno.chmod(folder, 0o711);
    for (const name of ["", "vmlinuz", "initrd"]) {
      await Deno.chown(join(folder, "qemu", name), guestUid, guestUid);
    }

    const socket = join(folder, "qemu/files.sock");
    const words: string[] = [];
    const server = spawn(
      await shareArgv({ folder, socket, modules: files.modules, prepared: job.prepared }),
      stop.signal,
    );
    processes.push(server.status, collect(server.stdout, words), collect(server.stderr, words));
    let serverEnded = false;
    server.status.then(() => serverEnded = true);
    await until("virtiofsd serves", () => {
      if (serverEnded) throw new GuestError(`virtiofsd ended: ${words.join("\n")}`);
      return Deno.statSync(socket).isSocket;
    });
    await Deno.chown(socket, guestUid, guestUid);

    const qemu = spawn(qemuArgv(folder), stop.signal);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      stop.abort();
    }, job.timeoutMs);
    processes.push(qemu.status);
    const said: string[] = [];
    const told = { push: (line: string) => (job.onLine(line), said.push(line)) };
    await Promise.all([qemu.status, collect(qemu.stdout, told), collect(qemu.stderr, told)]);
    clearTimeout(timer);
    if (stop.signal.aborted && !late) throw new GuestError("interrupted");
    if (late) throw new GuestError(`the guest did not end within ${job.timeoutMs / 1000} s`);
    const status = (await Deno.readTextFile(join(folder, "qemu/status"))).trim();
    if (!/^\d+$/.test(status)) throw new GuestError("the guest ended without an exit status");
    return Number(status);
  } finally {
    for (const signal of interrupts) Deno.removeSignalListener(signal, interrupt);
    stop.abort();
    await Promise.all(processes);
    await Deno.remove(folder, { recursive: true });
  }
}

/** A program that ends with this one, whatever ends that; arguments are those of setpriv(1). */
function spawn(args: readonly string[], signal: AbortSignal): Deno.ChildProcess {
  return new Deno.Command("setpriv", {
    // A change of user takes the signal away, so that one setpriv has to do both.
    args: ["--pdeathsig=KILL", ...args],
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
    signal,
  }).spawn();
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  into: { push(line: string): unknown },
): Promise<void> {
  // A terminal's lines end with two characters.
  for await (const line of lines(stream)) into.push(line.replace(/\r$/, ""));
}

function virtiofsd(): string | undefined {
  return virtiofsdPlaces.find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}

/** virtiofsd in a mount namespace where nothing else is, and nothing can be written. */
async function shareArgv(
  { folder, modules, prepared, socket }: {
    folder: string;
    modules: string;
    prepared: string | undefined;
    socket: string;
  },
): Promise<string[]> {
  const script = new URL("./share.sh", import.meta.url).pathname;
  const shared = new Set(["/usr", "/etc", projectFolder.replace(/\/$/, "")]);
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    if ((await Deno.lstat(`/${name}`)).isDirectory) shared.add(`/${name}`);
  }
  for (const path of [dirname(Deno.execPath()), await denoFolder()]) {
    if (![...shared].some((above) => path.startsWith(`${above}/`))) shared.add(path);
  }
  const pairs = [
    ...[...shared].flatMap((path) => [path, path]),
    ...[join(folder, "guest"), "/guest", modules, "/guest/modules"],
    ...(prepared === undefined ? [] : [prepared, preparedPlace]),
  ];
  return [
    ...[
      "--",
      "unshare",
      "--mount",
      "--propagation",
      "private",
      "sh",
      script,
      join(folder, "share"),
    ],
    ...[...pairs, "--", virtiofsd() ?? "", `--socket-path=${socket}`],
    ...["-o", `source=${join(folder, "share")}`, "-o", "sandbox=namespace", "-o", "cache=always"],
  ];
}

async function denoFolder(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}

/**
 * An emulated machine without network, as an unnamed user without privileges. Its clock counts instructions:
 * however slow or busy the machine below is, a second inside is a second's work, so that what is bounded in
 * time is bounded in work; while it idles, time goes by as outside.
 */
function qemuArgv(folder: string): string[] {
  const memory = `memory-backend-memfd,id=memory,size=${memoryMib}M,share=on`;
  return [
    ...[`--reuid=${guestUid}`, `--regid=${guestUid}`, "--clear-groups"],
    ...["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--"],
    ...["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot"],
    ...["-display", "none", "-nic", "none", "-smp", "1", "-cpu", "max,la57=off"],
    ...["-accel", "tcg", "-icount", "shift=1"],
    ...["-device", "virtio-rng-pci"],
    ...["-m", String(memoryMib), "-object", memory, "-numa", "node,memdev=memory"],
    ...["-chardev", `socket,id=files,path=${join(folder, "qemu/files.sock")}`],
    ...["-device", "vhost-user-fs-pci,chardev=files,tag=host"],
    ...["-kernel", join(folder, "qemu/vmlinuz"), "-initrd", join(folder, "qemu/initrd")],
    ...["-append", "console=ttyS0 quiet panic=-1 mitigations=off"],
    ...["-serial", "stdio", "-serial", `file:${join(folder, "qemu/status")}`],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
  ];
}

function renderJob({ command, env = {} }: GuestJob): string {
  const quote = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;
  const home = Deno.env.get("HOME") ?? "/root";
  const settings = Object.entries({ HOME: home, ...env }).map(([name, value]) =>
    `${name}=${quote(value)}`
  );
  return `cd ${quote(projectFolder)} &&\nexec env ${
    [...settings, ...command.map(quote)].join(" ")
  }\n`;
}
