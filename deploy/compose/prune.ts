import { z } from "zod";

/**
 * Leaves of `node_modules` what the entry points given import, and nothing of tests and tasks; `npm:NAME` among them
 * stands for a package whose files are read and not imported. Tells Deno to take that as it is. Run while an image is
 * built, and by deploy/install.sh.
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

async function keepFiles(name: string, used: Used): Promise<void> {
  const place = await Deno.realPath(`node_modules/${name}`);
  const [, folder] = /node_modules\/\.deno\/([^/]+)\//.exec(place) ?? [];
  if (folder === undefined) throw new Error(`${name}: its files are not where Deno keeps packages`);
  used.named.add(name);
  used.stored.add(folder);
}

async function removeOthers(folder: string, isUsed: (name: string) => boolean): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (!isUsed(name)) await Deno.remove(`${folder}/${name}`, { recursive: true });
  }
}

if (import.meta.main) {
  const used: Used = { stored: new Set(), named: new Set() };
  for (const entry of Deno.args) {
    if (entry.startsWith("npm:")) await keepFiles(entry.slice("npm:".length), used);
    else await collect(entry, used);
  }
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
