import { deepEqual, ok } from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { projectFolder } from "../local/services.ts";

async function* sources(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* sources(path);
    else if (/(?<!_test)\.ts$/.test(name)) yield path;
  }
}

Deno.test("Containerfile: an image has every thread that the program starts, and every package that it reads files of", async () => {
  const text = await Deno.readTextFile(new URL("Containerfile", import.meta.url));
  const argument = (name: string) =>
    (new RegExp(`^ARG ${name}="(.*)"$`, "m").exec(text)?.[1] ?? "").split(" ");
  const found = new Set<string>();
  for (const part of ["api", "lib", "wgd", "sealer", "db"]) {
    for await (const path of sources(join(projectFolder, part))) {
      const source = await Deno.readTextFile(path);
      for (const [, target = ""] of source.matchAll(/new URL\(\s*"([^"]+)"/g)) {
        const [, name] = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(target) ?? [];
        if (name !== undefined) found.add(`npm:${name}`);
        else if (target.endsWith(".ts")) {
          found.add(relative(projectFolder, join(dirname(path), target)));
        }
      }
    }
  }
  ok(found.size >= 3, [...found].join(" "));
  const listed = new Set([...argument("ENTRIES"), ...argument("FILES")]);
  deepEqual([...found].filter((each) => !listed.has(each)), []);
});

Deno.test("Containerfile: what an image is to run gets into what it is built from", async () => {
  const text = await Deno.readTextFile(new URL("Containerfile", import.meta.url));
  const [, entries = ""] = /^ARG ENTRIES="(.*)"$/m.exec(text) ?? [];
  const ignore = await Deno.readTextFile(join(projectFolder, ".dockerignore"));
  const taken = [...ignore.matchAll(/^!(.+)$/gm)].map(([, path]) => path);
  ok(taken.length > 0);
  const left = entries.split(" ").filter((entry) =>
    !taken.some((path) => entry === path || entry.startsWith(`${path}/`))
  );
  deepEqual(left, []);
});

Deno.test("compose.yaml: every setting that it takes is explained in .env.example, and no other", async () => {
  const [compose, example] = await Promise.all(
    ["compose.yaml", ".env.example"].map((name) => Deno.readTextFile(join(projectFolder, name))),
  );
  const taken = [...(compose ?? "").matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name]) => name);
  const explained = [...(example ?? "").matchAll(/^([A-Z0-9_]+)=/gm)].map(([, name]) => name);
  // This one is Compose's own: which files it reads.
  deepEqual([...new Set(taken), "COMPOSE_FILE"].sort(), explained.sort());
});
