import { dirname, join } from "node:path";

/** Unnamed users of the host: nobody logs in as them, and no two parts of MassaCorp share one. */
export const databaseUid = 64201;
export const apiUid = 64202;
export const sealerUid = 64203;
/** Migrates in production, where no supervisor does. */
export const migrateUid = 64204;

export interface DropOptions {
  /** The user and group to become; 0 stays root, but only with the capabilities named. */
  uid: number;
  /** The only capabilities left, such as `["net_admin"]`; they are of use to root alone. */
  capabilities?: readonly string[];
  /** What the process gets when its parent dies. */
  deathSignal: "INT" | "TERM";
}

/** Makes argv that run a program with fewer privileges. */
export interface Identity {
  /** @param argv program and arguments, the program as an absolute path */
  drop(argv: readonly string[], options: DropOptions): string[];
}

/** A process under a user of its own could not read what it runs; the message says what to do. */
export class IdentityError extends Error {
  override name = "IdentityError";
}

/**
 * How this process starts others. As root: through `setpriv`, in a mount namespace of their own where a
 * path needs it. Otherwise nothing can be dropped: everything runs as the caller.
 *
 * @param paths what the dropped processes must reach: the project, the Deno binary, the data folder
 */
export async function createIdentity(paths: readonly string[]): Promise<Identity> {
  if (Deno.uid() !== 0) {
    const linux = Deno.build.os === "linux";
    return {
      drop: (argv, { deathSignal }) => [
        ...(linux ? ["setpriv", `--pdeathsig=${deathSignal}`, "--"] : []),
        ...argv,
      ],
    };
  }
  const covers = await findCovers(paths);
  return {
    drop: (argv, options) => [...coverArgv(covers), ...setprivArgv(options), "--", ...argv],
  };
}

/**
 * Makes sure that other users may read the program, which no mount can change.
 * @throws {IdentityError} with the line that mends it
 */
export async function requireReadable(folder: string, files: readonly string[]): Promise<void> {
  if (Deno.uid() !== 0) return;
  for (const file of ["", ...files]) {
    const { mode, isDirectory } = await Deno.stat(join(folder, file));
    const wanted = isDirectory ? 0o005 : 0o004;
    if (((mode ?? 0) & wanted) === wanted) continue;
    throw new IdentityError(
      `${
        join(folder, file)
      } can be read by root alone, and the API runs as a user of its own; run:  chmod -R go+rX ${folder}`,
    );
  }
}

/** A folder that other users may not enter, and what lies behind it that they must reach. */
export interface Cover {
  folder: string;
  keep: string[];
}

/**
 * Finds the folders on the way to `paths` that keep other users out, such as `/root` (0700).
 * A folder inside such a folder needs no cover of its own: it is bound at its place as it is.
 */
export async function findCovers(paths: readonly string[]): Promise<Cover[]> {
  const covers = new Map<string, Set<string>>();
  for (const path of new Set(paths)) {
    const ancestors: string[] = [];
    for (let folder = dirname(path); folder !== "/"; folder = dirname(folder)) {
      ancestors.unshift(folder);
    }
    for (const folder of ancestors) {
      const mode = (await Deno.stat(folder)).mode ?? 0;
      if ((mode & 0o001) !== 0) continue;
      covers.set(folder, (covers.get(folder) ?? new Set()).add(path));
      break;
    }
  }
  return [...covers].map(([folder, keep]) => ({
    folder,
    // A path below another one that is kept comes along with it.
    keep: [...keep].filter((path) =>
      ![...keep].some((other) => other !== path && path.startsWith(`${other}/`))
    ),
  }));
}

/**
 * Runs as root in a private mount namespace: each closed folder is hidden behind an empty one that everybody
 * may enter, and only what must be reached is bound back, at the very same path. The host sees none of it.
 * Arguments: [folder count-of-paths path…]… -- command…
 */
const coverScript = `set -e
while [ "$1" != -- ]; do
  folder=$1 count=$2; shift 2
  # Held open by its directory, because the cover hides the name.
  exec 9<"$folder"
  mount -t tmpfs -o mode=0755,size=1m,nosuid,nodev massacorp "$folder"
  while [ "$count" -gt 0 ]; do
    source=/proc/self/fd/9\${1#"$folder"}
    if [ -d "$source" ]; then mkdir -p "$1"; else mkdir -p "\${1%/*}"; : > "$1"; fi
    mount --no-canonicalize --bind "$source" "$1"
    shift; count=$((count - 1))
  done
  exec 9<&-
done
shift
exec "$@"`;

function coverArgv(covers: readonly Cover[]): string[] {
  if (covers.length === 0) return [];
  const places = covers.flatMap(({ folder, keep }) => [folder, String(keep.length), ...keep]);
  return [
    ...["unshare", "--mount", "--propagation", "private", "--"],
    ...["sh", "-c", coverScript, "massacorp", ...places, "--"],
  ];
}

function setprivArgv({ uid, capabilities = [], deathSignal }: DropOptions): string[] {
  const kept = ["-all", ...capabilities.map((name) => `+${name}`)].join(",");
  return [
    "setpriv",
    `--reuid=${uid}`,
    `--regid=${uid}`,
    "--clear-groups",
    `--bounding-set=${kept}`,
    "--inh-caps=-all",
    "--ambient-caps=-all",
    "--no-new-privs",
    `--pdeathsig=${deathSignal}`,
  ];
}
