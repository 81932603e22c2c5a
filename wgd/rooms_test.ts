import { deepEqual } from "node:assert/strict";

const here = new URL("./", import.meta.url);

/** The rooms of wgd/, in the order in which ARCHITECTURE.md lists them. */
async function listed(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("../ARCHITECTURE.md", here));
  const [, part = ""] = /### Inside the daemon\n(.*?)\n## /s.exec(text) ?? [];
  return Array.from(part.matchAll(/^\| `([a-z]+)\/` /gm), ([, room = ""]) => room);
}

/** What a folder's files import from wgd/, tests apart. @param folder with its slash; empty for the top */
async function importsOf(folder: string): Promise<{ from: string; of: string }[]> {
  const found: { from: string; of: string }[] = [];
  for await (const { name } of Deno.readDir(new URL(folder, here))) {
    if (!/(?<!_test)\.ts$/.test(name)) continue;
    const text = await Deno.readTextFile(new URL(folder + name, here));
    for (const [, path = ""] of text.matchAll(/from "(\.[^"]+)"/g)) {
      const url = new URL(path, new URL(folder + name, here)).href;
      if (url.startsWith(here.href)) {
        found.push({ from: folder + name, of: url.slice(here.href.length) });
      }
    }
  }
  return found;
}

Deno.test("wgd: a room imports from those that ARCHITECTURE.md lists above it, and from none below", async () => {
  const rooms = await listed();
  const folders = await Array.fromAsync(Deno.readDir(here));
  deepEqual(
    rooms.toSorted(),
    folders.filter((entry) => entry.isDirectory).map(({ name }) => name).toSorted(),
  );
  const inRooms = (await Promise.all(rooms.map((room) => importsOf(`${room}/`)))).flat();
  const placeOf = (path: string) => rooms.indexOf(path.slice(0, path.indexOf("/")));
  deepEqual(
    inRooms.filter(({ from, of }) => of.includes("/") && placeOf(of) > placeOf(from)),
    [],
  );
  // What rooms take from the top does not lead back into one.
  const atTop = await importsOf("");
  const shared = new Set(inRooms.map(({ of }) => of).filter((of) => !of.includes("/")));
  for (const file of shared) {
    for (const { of } of atTop.filter(({ from }) => from === file)) shared.add(of);
  }
  deepEqual([...shared].filter((of) => of.includes("/")), []);
});
