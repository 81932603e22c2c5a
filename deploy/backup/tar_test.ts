import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { outcomeOf } from "../demo/run.ts";
import { textEntry } from "./manifest.ts";
import { type Entry, readTar, writeTar } from "./tar.ts";

async function* of(...entries: Entry[]): AsyncGenerator<Entry> {
  yield* await Promise.resolve(entries);
}

async function packed(...entries: Entry[]): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(
    await new Response(ReadableStream.from(writeTar(of(...entries)))).arrayBuffer(),
  );
}

async function* portions(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) {
    yield await Promise.resolve(bytes.subarray(at, at + size));
  }
}

async function unpacked(bytes: Uint8Array, size = 1000): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { path, content } of readTar(portions(bytes, size))) {
    let text = "";
    for await (const part of content) text += new TextDecoder().decode(part);
    found[path] = text;
  }
  return found;
}

const folder = (path: string): Entry => ({ ...textEntry(path, ""), folder: true, mode: 0o700 });
const long = "x".repeat(5000);

Deno.test("writeTar: tar reads it, and readTar in portions of any size", async () => {
  const bytes = await packed(folder("a"), textEntry("a/b", long), textEntry("c", ""));
  for (const size of [1, 511, 512, 100_000]) {
    deepEqual(await unpacked(bytes, size), { a: "", "a/b": long, c: "" });
  }
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, bytes);
    const { stdout, success } = await outcomeOf(["tar", "tvf", file]);
    equal(success, true);
    match(stdout, /^drwx------ 0\/0 +0 .* a\/\n-rw------- 0\/0 +5000 .* a\/b\n-rw------- .* c\n$/);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("readTar: refuses what is cut off, changed or goes on, and a path that leads out", async () => {
  const bytes = await packed(textEntry("a", long));
  for (const end of [100, 512, 4000, bytes.length - 1024, bytes.length - 513]) {
    await rejects(unpacked(bytes.subarray(0, end)), { message: "the archive is cut off" });
  }
  const bent = bytes.slice();
  bent.fill(0x39, 0, 1);
  await rejects(unpacked(bent), { message: /a header of the archive is damaged/ });
  const more = new Uint8Array([...bytes, 1]);
  await rejects(unpacked(more), { message: /goes on behind its end/ });
  for (const path of ["../a", "/a", "a/../../b", "a//b", ".", ""]) {
    await rejects(async () => unpacked(await packed(textEntry(path, ""))), {
      name: "BackupError",
    });
  }
});

Deno.test("writeTar: refuses a file whose size is not what it said", async () => {
  await rejects(packed({ ...textEntry("a", "text"), size: 5 }), { message: /changed its size/ });
});
