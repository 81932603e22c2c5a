import { z } from "zod";

/**
 * Leaves of `node_modules` what the entry points given import, and nothing of tests and tasks; and tells Deno to
 * take it as it is. Run while an image is built.
 */
const graph = z.object({
  modules: z.array(z.object({ npmPackage: z.string().optional() })),
  npmPackages: z.record(
    z.string(),
    z.object({ name: z.string(), dependencies: z.array(z.string()), localPath: z.string() }),
  ),
});

interface Used {
  /** Folders of `node_modules/.deno`. */
  stored: Set<string>;
  /** Names that the project's own modules import. */
  named: Set<string>;
}

async function collect(entry: string, used: Used): Promise<void> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
  }).output();
  if (!success) throw new Error(`${entry}: its imports cannot be read`);
  const { modules, npmPackages } = graph.parse(JSON.parse(new TextDecoder().decode(stdout)));
  const visit = (id: string) => {
    const found = npmPackages[id];
    const [, folder] = /node_modules\/\.deno\/([^/]+)\//.exec(found?.localPath ?? "") ?? [];
    if (!found || !folder || used.stored.has(folder)) return;
    used.stored.add(folder);
    found.dependencies.forEach(visit);
  };
  for (const { npmPackage } of modules) {
    const found = npmPackage === undefined ? undefined : npmPackages[npmPackage];
    if (npmPackage === undefined || !found) continue;
    used.named.add(found.name);
    visit(npmPackage);
  }
}

async function removeOthers(folder: string, isUsed: (name: string) => boolean): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!isUsed(name)) await Deno.remove(`${folder}/${name}`, { recursive: true });
  }
}

if (import.meta.main) {
  const used: Used = { stored: new Set(), named: new Set() };
  for (const entry of Deno.args) await collect(entry, used);
  const scopes = new Set([...used.named].map((name) => name.split("/", 1)[0] ?? name));
  await removeOthers("node_modules/.deno", (name) => used.stored.has(name));
  await removeOthers("node_modules", (name) => name === ".deno" || scopes.has(name));
  for (const scope of [...scopes].filter((name) => name.startsWith("@"))) {
    await removeOthers(`node_modules/${scope}`, (name) => used.named.has(`${scope}/${name}`));
  }
  const settings = z.record(z.string(), z.unknown()).parse(
    JSON.parse(await Deno.readTextFile("deno.json")),
  );
  await Deno.writeTextFile(
    "deno.json",
    JSON.stringify({ ...settings, nodeModulesDir: "manual" }, null, 2),
  );
}
