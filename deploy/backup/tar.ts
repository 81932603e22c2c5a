import { createTarDecoder, createTarPacker } from "modern-tar";
import { BackupError } from "./error.ts";

/** One thing of an archive. A folder has no content. */
export interface Entry {
  /** Without a leading or trailing slash. */
  path: string;
  folder: boolean;
  size: number;
  mode: number;
  uid: number;
  gid: number;
  content: AsyncIterable<Uint8Array>;
}

type Packer = ReturnType<typeof createTarPacker>["controller"];

/**
 * A tar stream (POSIX ustar), so that a backup can be read without MassaCorp: `age -d FILE | tar x`.
 * An entry's content has to have exactly its size.
 */
export async function* writeTar(entries: AsyncIterable<Entry>): AsyncGenerator<Uint8Array> {
  const { readable, controller } = createTarPacker();
  const fed = feed(entries, controller).catch((error) => controller.error(error));
  try {
    yield* readable;
  } finally {
    // Whoever stops reading goes on when what is read from was let go.
    await fed;
  }
}

async function feed(entries: AsyncIterable<Entry>, packer: Packer): Promise<void> {
  for await (const { path, folder, size, mode, uid, gid, content } of entries) {
    const writer = packer.add({
      name: folder ? `${path}/` : path,
      type: folder ? "directory" : "file",
      mtime: new Date(0),
      mode: mode & 0o7777,
      ...{ size, uid, gid },
    }).getWriter();
    let written = 0;
    for await (const part of content) {
      written += part.length;
      if (written > size) break;
      await writer.write(part);
    }
    if (written !== size) throw new BackupError(`${path} changed its size`);
    await writer.close();
  }
  packer.finalize();
}

/** The entries of {@link writeTar}'s stream. Each content has to be read, or is skipped, before the next comes. */
export async function* readTar(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Entry> {
  const { readable, writable } = createTarDecoder({ strict: true });
  const stopping = new AbortController();
  // To its end, because what decrypts tells only then that nothing is missing. What goes wrong comes out below.
  const fed = ReadableStream.from(stream).pipeTo(writable, { signal: stopping.signal })
    .catch(() => {});
  const entries = readable[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await trusted(entries.next());
      if (done) return;
      const { header, body } = value;
      const { name, type, size, mode = 0, uid = 0, gid = 0 } = header;
      if (type !== "file" && type !== "directory") {
        throw new BackupError(`the archive has a ${type}, which a backup never has`);
      }
      const path = safePath(name.replace(/\/$/, ""));
      const content = contentOf(body);
      yield { path, folder: type === "directory", size, mode: mode & 0o777, uid, gid, content };
      for await (const _ of content) { /* What was not read is skipped. */ }
    }
  } finally {
    stopping.abort();
    await entries.return?.();
    await fed;
  }
}

async function* contentOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parts = body[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await trusted(parts.next());
    if (done) return;
    yield value;
  }
}

/** What the library finds wrong with an archive tells an operator no more than this. */
async function trusted<T>(next: Promise<T>): Promise<T> {
  try {
    return await next;
  } catch (cause) {
    if (cause instanceof BackupError || cause instanceof Deno.errors.NotCapable) throw cause;
    throw new BackupError("the archive is damaged or cut off", { cause });
  }
}

/** Anybody can encrypt to a public recipient: a path must not lead out of the folder. */
function safePath(path: string): string {
  const parts = path.split("/");
  if (path.includes("\0") || parts.some((part) => part === "" || part === "." || part === "..")) {
    throw new BackupError(`the archive names ${JSON.stringify(path)}`);
  }
  return path;
}
