import { join } from "node:path";
import { binaries } from "../../db/embedded.ts";
import { outcomeOf, run } from "../../deploy/demo/run.ts";
import { projectFolder } from "../../deploy/local/services.ts";
import { cacheFolder, type Engine } from "./engine.ts";

/**
 * Stand-ins for the base images, where no registry can be reached: a Debian by debootstrap, with Deno and the packages
 * of the lock file, with PostgreSQL 16 as the embedded server has it, with Debian's Redis 7.
 * @returns settings of .env that put them in their places
 */
export async function makeBaseImages({ docker }: Engine): Promise<Record<string, string>> {
  const debian = "massacorp-test/debian:bookworm";
  const lock = await Deno.readFile(join(projectFolder, "deno.lock"));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", lock)).toHex();
  const deno = `massacorp-test/deno:${Deno.version.deno}-${digest.slice(0, 12)}`;
  const postgres = "massacorp-test/postgres:16";
  const prometheus = "massacorp-test/prometheus:2-with-promtool";
  const isThere = async (image: string) =>
    (await docker(["images", "--quiet", image])).trim() !== "";
  if (!await isThere(debian)) await importDebian(debian);
  if (!await isThere(deno)) await buildDeno(docker, { base: debian, image: deno });
  if (!await isThere(prometheus)) {
    await build(docker, {
      image: prometheus,
      lines: [
        `FROM ${debian}`,
        "COPY prometheus promtool /usr/bin/",
        "RUN mkdir /prometheus && chown 65534:65534 /prometheus",
      ],
      fill: async (folder) => {
        for (const name of ["prometheus", "promtool"]) {
          const program = (await run(["sh", "-c", `command -v ${name}`])).trim();
          await Deno.copyFile(program, join(folder, name));
        }
      },
    });
  }
  if (!await isThere(postgres)) await buildPostgres(docker, { base: debian, image: postgres });
  return {
    DENO_IMAGE: deno,
    DEBIAN_IMAGE: debian,
    POSTGRES_IMAGE: postgres,
    REDIS_IMAGE: debian,
    PROMETHEUS_IMAGE: prometheus,
  };

  async function importDebian(image: string): Promise<void> {
    const tree = join(cacheFolder, "tree");
    if (!await isFolder(join(tree, "usr/bin"))) {
      const fresh = `${tree}.new`;
      await outcomeOf(["rm", "-rf", fresh], { timeoutMs: 60_000 });
      const packages = ["wireguard-tools", "wireguard-go", "nftables", "iproute2", "redis-server"];
      await run([
        "debootstrap",
        "--variant=minbase",
        `--include=${[...packages, "ca-certificates", "postgresql-client"].join(",")}`,
        "bookworm",
        fresh,
      ], { timeoutMs: 600_000 });
      await Deno.rename(fresh, tree);
    }
    const tar = join(cacheFolder, "tree.tar");
    await run([
      "tar",
      `--directory=${tree}`,
      ...["--exclude=./var/cache/apt", "--exclude=./var/lib/apt/lists", `--file=${tar}`],
      ...["--create", "."],
    ], { timeoutMs: 120_000 });
    await docker(["import", tar, image], { timeoutMs: 120_000 });
    await Deno.remove(tar);
  }
}

type Docker = Engine["docker"];

/** Builds from a folder that `fill` makes. */
async function build(
  docker: Docker,
  { image, lines, fill }: {
    image: string;
    lines: readonly string[];
    fill(folder: string): Promise<void>;
  },
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir: cacheFolder, prefix: "build-" });
  try {
    await fill(folder);
    await Deno.writeTextFile(join(folder, "Dockerfile"), `${lines.join("\n")}\n`);
    await docker(["build", "--quiet", "--tag", image, folder], { timeoutMs: 300_000 });
  } finally {
    await run(["rm", "-rf", folder], { timeoutMs: 60_000 });
  }
}

async function buildDeno(
  docker: Docker,
  { base, image }: { base: string; image: string },
): Promise<void> {
  await build(docker, {
    image,
    lines: [`FROM ${base}`, "COPY deno /usr/bin/deno", "COPY deno-dir /deno-dir"],
    async fill(folder) {
      await Deno.copyFile(Deno.execPath(), join(folder, "deno"));
      await Deno.chmod(join(folder, "deno"), 0o755);
      const project = join(folder, "project");
      await Deno.mkdir(project);
      for (const file of ["deno.json", "deno.lock"]) {
        await Deno.copyFile(join(projectFolder, file), join(project, file));
      }
      await run(
        ["sh", "-ec", 'cd "$1"; exec "$2" install --frozen --quiet', "sh"].concat([
          project,
          Deno.execPath(),
        ]),
        { env: { DENO_DIR: join(folder, "deno-dir") }, timeoutMs: 300_000 },
      );
      await run(["rm", "-rf", project], { timeoutMs: 60_000 });
    },
  });
}

/** What the official image's entry point does for the settings that compose.yaml gives. */
const entryPoint = `#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  mkdir -p "$PGDATA" && chmod 700 "$PGDATA"
  # shellcheck disable=SC2086
  initdb --pgdata="$PGDATA" --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" \\
    --encoding=UTF8 --no-locale --no-instructions $POSTGRES_INITDB_ARGS
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
fi
exec "$@"
`;

async function buildPostgres(
  docker: Docker,
  { base, image }: { base: string; image: string },
): Promise<void> {
  await build(docker, {
    image,
    lines: [
      `FROM ${base}`,
      "COPY native /usr/lib/postgresql/16",
      "COPY docker-entrypoint.sh /usr/local/bin/",
      "RUN userdel redis; useradd --uid 999 --user-group db " +
      "&& mkdir -p /var/lib/postgresql/data && chown 999:999 /var/lib/postgresql/data",
      // Its newest client's pg_isready, which asks any server.
      "ENV PATH=/usr/local/bin:/usr/lib/postgresql/16/bin:/usr/lib/postgresql/15/bin:/usr/bin:/bin",
      'ENTRYPOINT ["docker-entrypoint.sh"]',
      'CMD ["postgres", "-c", "listen_addresses=*", "-c", "unix_socket_directories=/var/run/postgresql"]',
    ],
    async fill(folder) {
      const native = join(binaries().postgres, "../..");
      await run(["cp", "--recursive", native, join(folder, "native")], { timeoutMs: 60_000 });
      await Deno.writeTextFile(join(folder, "docker-entrypoint.sh"), entryPoint, { mode: 0o755 });
    },
  });
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isDirectory }) => isDirectory, () => false);
}
