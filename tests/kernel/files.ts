import { join } from "node:path";
import { projectFolder } from "../support/up.ts";

/** Debian's kernel for virtual machines, and the one program of its initial memory. */
const kernelPackage = "linux-image-cloud-amd64";
const busyboxPackage = "busybox-static";

/** What a guest boots from, as paths. */
export interface GuestFiles {
  kernel: string;
  initrd: string;
  /** The folder whose one entry is the kernel's release. */
  modules: string;
  busybox: string;
}

/** Why there are no files to boot from, in words for whoever runs the tests. */
export class GuestFilesError extends Error {
  override name = "GuestFilesError";
}

let found: Promise<GuestFiles> | undefined;

/**
 * The files of a guest, from the cache or else by apt, which installs nothing: packages are downloaded and
 * unpacked. The cache is asked for no newer ones; whoever wants them deletes it. Made once for all guests of a
 * run, which start together and would get in one another's way.
 *
 * @throws {GuestFilesError}
 */
export function guestFiles(): Promise<GuestFiles> {
  return found ??= makeFiles(join(projectFolder, ".deno/guest"));
}

async function makeFiles(cache: string): Promise<GuestFiles> {
  const files = {
    kernel: join(cache, "vmlinuz"),
    initrd: join(cache, "initrd"),
    modules: join(cache, "modules"),
    busybox: join(cache, "busybox"),
  };
  if (!(await exists(cache))) {
    await Deno.mkdir(join(cache, ".."), { recursive: true });
    const fresh = await Deno.makeTempDir({ dir: join(cache, ".."), prefix: "guest-" });
    try {
      await make(fresh);
      await Deno.rename(fresh, cache);
    } finally {
      await Deno.remove(fresh, { recursive: true }).catch(() => {});
    }
  }
  await makeInitrd(files);
  return files;
}

async function make(folder: string): Promise<void> {
  const found = await show(kernelPackage) ??
    (await run(["apt-get", "-qq", "update"]), await show(kernelPackage));
  const image = /^Depends:.*?\b(linux-image-[^ ,]+)/m.exec(found ?? "")?.[1];
  if (!image) throw new GuestFilesError(`apt knows no package ${kernelPackage}`);
  for (const name of [image, busyboxPackage]) {
    await run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", name], folder);
  }
  for await (const { name } of Deno.readDir(folder)) {
    if (name.endsWith(".deb")) await run(["dpkg-deb", "-x", name, "unpacked"], folder);
  }
  const release = image.slice("linux-image-".length);
  const unpacked = join(folder, "unpacked");
  await Deno.rename(join(unpacked, "boot", `vmlinuz-${release}`), join(folder, "vmlinuz"));
  await Deno.rename(join(unpacked, "bin/busybox"), join(folder, "busybox"));
  // busybox reads them below /lib of a folder.
  const busybox = join(folder, "busybox");
  await run([busybox, "depmod", "-b", unpacked, release]);
  await Deno.rename(join(unpacked, "lib/modules"), join(folder, "modules"));
  for await (const { name } of Deno.readDir(folder)) {
    if (name === "unpacked" || name.endsWith(".deb")) {
      await Deno.remove(join(folder, name), { recursive: true });
    }
  }
}

/** Every time anew, so that a changed init.sh is in it: busybox, and what it takes to reach the host's files. */
async function makeInitrd({ initrd, busybox, modules }: GuestFiles): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-initrd-" });
  try {
    for (const name of ["bin", "modules", "dev", "proc", "sys", "host", "memory", "root"]) {
      await Deno.mkdir(join(folder, name));
    }
    await Deno.copyFile(busybox, join(folder, "bin/busybox"));
    await Deno.copyFile(new URL("./init.sh", import.meta.url), join(folder, "init"));
    await Deno.chmod(join(folder, "init"), 0o755);
    const [release] = [...Deno.readDirSync(modules)];
    const tree = join(modules, release?.name ?? "");
    const wanted = ["virtio_pci", "virtiofs", "overlay"];
    for (const [at, path] of (await dependencies(tree, wanted)).entries()) {
      const name = `${String(at).padStart(2, "0")}-${path.slice(path.lastIndexOf("/") + 1)}`;
      await Deno.copyFile(join(tree, path), join(folder, "modules", name));
    }
    const pack = 'find . | "$1" cpio -o -H newc | gzip -1';
    const { stdout } = await output(["sh", "-c", pack, "sh", busybox], folder);
    await Deno.writeFile(initrd, stdout);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Paths of modules in the order in which they load, each after those that it needs. */
async function dependencies(tree: string, names: string[]): Promise<string[]> {
  const needs = new Map<string, string[]>();
  for (const line of (await Deno.readTextFile(join(tree, "modules.dep"))).split("\n")) {
    const [path = "", after = ""] = line.split(":");
    needs.set(path, after.trim().split(" ").filter(Boolean));
  }
  const paths = names.flatMap((name) => {
    const path = [...needs.keys()].find((key) => key.endsWith(`/${name}.ko`));
    return path ? [...(needs.get(path) ?? []).toReversed(), path] : [];
  });
  return [...new Set(paths)];
}

async function show(name: string): Promise<string | undefined> {
  try {
    return await run(["apt-cache", "show", "--no-all-versions", name]);
  } catch {
    return undefined;
  }
}

async function run(command: readonly string[], cwd?: string): Promise<string> {
  return new TextDecoder().decode((await output(command, cwd)).stdout);
}

async function output([program = "", ...args]: readonly string[], cwd?: string) {
  const signal = AbortSignal.timeout(300_000);
  const found = await new Deno.Command(program, { args, ...(cwd ? { cwd } : {}), signal }).output();
  if (found.success) return found;
  const words = new TextDecoder().decode(found.stderr).trim();
  throw new GuestFilesError(`${program} ${args.join(" ")} failed: ${words}`);
}

async function exists(path: string): Promise<boolean> {
  return (await Deno.stat(path).catch(() => undefined)) !== undefined;
}
