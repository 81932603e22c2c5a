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
  const damaged = { name: "BackupError", message: "the archive is damaged or cut off" };
  for (const end of [0, 100, 512, 4000, bytes.length - 1024, bytes.length - 513]) {
    await rejects(unpacked(bytes.subarray(0, end)), damaged, `${end}`);
  }
  const bent = bytes.slice();
  bent.fill(0x39, 0, 1);
  await rejects(unpacked(bent), damaged);
  await rejects(unpacked(new Uint8Array([...bytes, 1])), damaged);
  const noSize = bytes.slice();
  noSize.fill(0x78, 124, 136);
  await rejects(unpacked(noSize), damaged);
  for (const path of ["../a", "/a", "a/../../b", "a//b", ".", ""]) {
    await rejects(async () => unpacked(await packed(textEntry(path, ""))), {
      name: "BackupError",
    });
  }
});

Deno.test("readTar: refuses links, devices and paths that lead out, as GNU tar makes them, and reads what else it makes", async () => {
  const root = await Deno.makeTempDir();
  try {
    const name = "n".repeat(180);
    const script = `cd "$1"; mkdir in; echo text > "in/$2"; ln -s /etc/passwd symlink
      echo text > file; ln file hardlink; mkfifo fifo
      tar cf plain.tar in; for each in symlink fifo; do tar cf $each.tar $each; done
      tar cf hardlink.tar file hardlink; cd in; tar cPf ../up.tar ../file; cd ..; tar cPf absolute.tar "$1"/file
      tar --format=gnu -cf gnu.tar in; tar --format=pax -cf pax.tar in`;
    const { success, stderr } = await outcomeOf(["sh", "-euc", script, "sh", root, name]);
    equal(success, true, stderr);
    const read = async (archive: string) =>
      await unpacked(await Deno.readFile(`${root}/${archive}.tar`));
    for (const archive of ["symlink", "hardlink", "fifo"]) {
      await rejects(read(archive), { message: /^the archive has a (symlink|link|fifo), which/ });
    }
    for (const archive of ["up", "absolute"]) {
      await rejects(read(archive), { message: /^the archive names "(\.\.)?\// });
    }
    for (const archive of ["plain", "gnu", "pax"]) {
      deepEqual(await read(archive), { in: "", [`in/${name}`]: "text\n" }, archive);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("readTar, writeTar: what is not read is skipped, and who stops lets go of what he read from", async () => {
  let open = 0;
  async function* entries(): AsyncGenerator<Entry> {
    open++;
    try {
      for (let n = 0; n < 100; n++) {
        yield await Promise.resolve(textEntry(`f${n}`, long.repeat(100)));
      }
    } finally {
      open--;
    }
  }
  const names: string[] = [];
  for await (const { path } of readTar(writeTar(entries()))) {
    names.push(path);
    if (names.length === 50) break;
  }
  equal(names.at(-1), "f49");
  equal(open, 0);
  await rejects(
    async () => {
      for await (const { content } of readTar(writeTar(entries()))) {
        for await (const _ of content) throw new RangeError("a full disk");
      }
    },
    { name: "RangeError" },
  );
  equal(open, 0);
});

Deno.test("writeTar: refuses a file whose size is not what it said", async () => {
  for (const size of [0, 3, 5]) {
    await rejects(packed({ ...textEntry("a", "text"), size }), { message: /changed its size/ });
  }
});
