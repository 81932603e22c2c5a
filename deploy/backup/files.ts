import { join } from "node:path";
import type { Entry } from "./tar.ts";
import { absent } from "../../lib/absent.ts";

export interface WalkOptions {
  /** False leaves a path out, and with a folder all that is below it. */
  wanted?: (path: string) => boolean;
  /** Bytes of each file at most, by path: what was appended since is left out. */
  sizes?: ReadonlyMap<string, number>;
}

/** A folder and all that is in it, as entries under `path`. What goes while it is read is left out. */
export async function* walk(
  folder: string,
  path: string,
  options: WalkOptions = {},
): AsyncGenerator<Entry> {
  if (options.wanted && !options.wanted(path)) return;
  const found = await Deno.lstat(folder).catch(absent);
  if (!found) return;
  const about = { path, mode: found.mode ?? 0, uid: found.uid ?? 0, gid: found.gid ?? 0 };
  if (found.isDirectory) {
    yield { ...about, folder: true, size: 0, content: nothing() };
    const names: string[] = [];
    for await (const { name } of Deno.readDir(folder)) names.push(name);
    for (const name of names.sort()) yield* walk(join(folder, name), `${path}/${name}`, options);
  } else if (found.isFile) {
    const file = await Deno.open(folder).catch(absent);
    if (!file) return;
    using _file = file;
    const size = options.sizes ? options.sizes.get(path) : (await file.stat()).size;
    if (size === undefined) return;
    yield { ...about, folder: false, size, content: exactly(file, size) };
  }
}

/** A file of a running database may have become shorter: its WAL makes good what is zero here. */
async function* exactly(file: Deno.FsFile, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0;) {
    const buffer = new Uint8Array(Math.min(left, 256 * 1024));
    const read = await file.read(buffer) ?? buffer.length;
    left -= read;
    yield buffer.subarray(0, read);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
