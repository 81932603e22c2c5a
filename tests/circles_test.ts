import { deepEqual } from "node:assert/strict";

const project = new URL("../", import.meta.url);

async function filesBelow(folder: URL): Promise<URL[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const found = await Promise.all(entries.map(({ name, isDirectory }) => {
    if (isDirectory) return filesBelow(new URL(`${name}/`, folder));
    return name.endsWith(".ts") ? [new URL(name, folder)] : [];
  }));
  return found.flat();
}

/** What a file imports from this project, types among it. */
async function importsOf(file: URL): Promise<string[]> {
  const text = await Deno.readTextFile(file);
  return Array.from(
    text.matchAll(/(?:from |import |import\()"(\.[^"]+)"/g),
    ([, path = ""]) => new URL(path, file).href,
  );
}

/** @returns the circles, and what lies on a way from one to another: nothing else is left in the end */
function circlesIn(imports: ReadonlyMap<string, readonly string[]>): string[] {
  let left = [...imports.keys()];
  for (let before = Infinity; left.length < before;) {
    before = left.length;
    const standing = new Set(left);
    const imported = new Set(left.flatMap((file) => imports.get(file) ?? []));
    left = left.filter((file) =>
      imported.has(file) && imports.get(file)?.some((other) => standing.has(other))
    );
  }
  return left;
}

Deno.test("imports: no file imports, over others or at once, what imports it", async () => {
  const folders = ["api", "db", "deploy", "lib", "sealer", "tests", "wgd"];
  const files = (await Promise.all(
    folders.map((folder) => filesBelow(new URL(`${folder}/`, project))),
  )).flat();
  const imports = new Map(
    await Promise.all(files.map(async (file) => [file.href, await importsOf(file)] as const)),
  );
  deepEqual(circlesIn(imports).map((file) => file.slice(project.href.length)), []);
});
