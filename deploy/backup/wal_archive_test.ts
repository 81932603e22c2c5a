import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { Decrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { outcomeOf } from "../demo/run.ts";
import { projectFolder } from "../local/services.ts";
import {
  archiveCommand,
  archiveWal,
  clearArchive,
  namesInArchive,
  readArchived,
} from "./wal_archive.ts";

const segment = "000000010000000000000003";

async function workshop() {
  const root = await Deno.makeTempDir({ prefix: "massacorp-wal-" });
  const [from, folder] = [join(root, "pg_wal"), join(root, "archive")];
  await Deno.mkdir(from);
  await Deno.mkdir(folder);
  const identity = await generateX25519Identity();
  const archive = { folder, recipients: [await identityToRecipient(identity)] };
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const path = join(from, segment);
  await Deno.writeTextFile(path, "a row of somebody's ".repeat(100_000));
  return {
    root,
    path,
    archive,
    decrypter,
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

Deno.test("archiveWal: a segment is there encrypted and whole, the same again is fine, another of its name is refused", async () => {
  await using shop = await workshop();
  const { path, archive, decrypter, root } = shop;
  await archiveWal(path, archive);
  const files = [`${segment}.gz.age`, `${segment}.sha256`];
  deepEqual(await namesIn(archive.folder), files);
  const bytes = await Deno.readFile(join(archive.folder, `${segment}.gz.age`));
  match(new TextDecoder().decode(bytes.subarray(0, 30)), /^age-encryption\.org\/v1\n/);
  equal(new TextDecoder("latin1").decode(bytes).includes("somebody"), false);
  equal(((await Deno.stat(join(archive.folder, files[0] ?? ""))).mode ?? 0) & 0o777, 0o600);

  await archiveWal(path, archive);
  const plain = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, `${plain}changed`);
  await rejects(archiveWal(path, archive), { message: /is there, and is of something else/ });
  deepEqual(await Deno.readFile(join(archive.folder, `${segment}.gz.age`)), bytes);

  deepEqual(await Array.fromAsync(namesInArchive(archive.folder)), [segment]);
  const target = join(root, "opened");
  await readArchived(archive.folder, { name: segment, decrypter, target });
  equal(await Deno.readTextFile(target), plain);
  for (const damage of ["cut", "bent"]) {
    const other = damage === "cut" ? bytes.subarray(0, -20) : bytes.slice();
    if (damage === "bent") other[other.length >> 1] = (other[other.length >> 1] ?? 0) ^ 1;
    await Deno.writeFile(join(archive.folder, `${segment}.gz.age`), other);
    await rejects(
      readArchived(archive.folder, { name: segment, decrypter, target: join(root, damage) }),
      { message: /cannot be trusted: it is damaged or cut off/ },
    );
    equal(await Deno.stat(join(root, damage)).catch(() => "missing"), "missing");
  }
});

Deno.test("archiveWal: cut off before it was there, it begins anew; what is no WAL, and nobody to encrypt to, is refused", async () => {
  await using shop = await workshop();
  const { path, archive, root } = shop;
  await Deno.writeTextFile(join(archive.folder, `${segment}.gz.age.new`), "half of it");
  await Deno.writeTextFile(join(archive.folder, `${segment}.sha256`), "of a half");
  await archiveWal(path, archive);
  deepEqual(await namesIn(archive.folder), [`${segment}.gz.age`, `${segment}.sha256`]);
  await Deno.copyFile(path, join(root, "postgresql.conf"));
  await rejects(archiveWal(join(root, "postgresql.conf"), archive), { message: /no file of WAL/ });
  await rejects(archiveWal(path, { ...archive, recipients: [] }), { message: /is required/ });
});

Deno.test("clearArchive: what is before the oldest backup goes, on every timeline; histories, what came after, and strangers stay", async () => {
  await using shop = await workshop();
  const { folder } = shop.archive;
  const piece = (timeline: number, at: number) =>
    timeline.toString(16).toUpperCase().padStart(8, "0") +
    at.toString(16).toUpperCase().padStart(16, "0");
  const old = [piece(1, 3), piece(1, 9), piece(2, 9), `${piece(1, 9)}.00000028.backup`];
  const kept = [
    ...[piece(1, 10), piece(2, 10), piece(1, 256), `${piece(1, 10)}.00000028.backup`],
    "00000002.history",
  ];
  const strangers = ["notes.gz.age", `${piece(1, 3)}.gz.age.new`, "lock", "000000010000.gz.age"];
  for (const name of [...old, ...kept]) {
    for (const end of [".gz.age", ".sha256"]) {
      await Deno.writeTextFile(join(folder, name + end), "x");
    }
  }
  // Of a clearing that was killed between the two.
  await Deno.writeTextFile(join(folder, `${piece(1, 4)}.sha256`), "x");
  for (const name of strangers) await Deno.writeTextFile(join(folder, name), "x");
  const all = await namesIn(folder);
  equal(await clearArchive(folder, []), 0);
  deepEqual(await namesIn(folder), all, "no backup is no reason");

  equal(await clearArchive(folder, [piece(1, 300), piece(2, 10), piece(1, 12)]), old.length);
  deepEqual(
    await namesIn(folder),
    [...strangers, ...kept.flatMap((name) => [`${name}.gz.age`, `${name}.sha256`])].sort(),
  );
  equal(await clearArchive(folder, [piece(2, 10)]), 0);
});

Deno.test("archiveCommand: runs under its permissions alone, from any folder, and says no where it cannot write", async () => {
  await using shop = await workshop();
  const { archive, root } = shop;
  const odd = { ...archive, folder: join(root, "it's 100% odd") };
  await Deno.mkdir(odd.folder);
  const run = (command: string) =>
    outcomeOf([
      ...["sh", "-c", `cd '${root}'; ${command}`],
    ], { timeoutMs: 60_000 });
  // As the server does: %p is a path below its data folder, and %% a per cent sign.
  const filled = (text: string) => text.replace("%p", `pg_wal/${segment}`).replaceAll("%%", "%");
  const outcome = await run(filled(archiveCommand(odd, join(root, "cache"))));
  deepEqual([outcome.code, outcome.stdout, outcome.stderr], [0, "", ""]);
  deepEqual(await namesIn(odd.folder), [`${segment}.gz.age`, `${segment}.sha256`]);
  const gone = { ...archive, folder: join(root, "gone") };
  const refused = await run(filled(archiveCommand(gone, join(root, "cache"))));
  equal(refused.code, 1);
  match(refused.stderr, /^archive-wal: No such file/);
  const settings = JSON.parse(await Deno.readTextFile(join(projectFolder, "deno.json")));
  deepEqual(Object.keys(settings.permissions.archive), ["env", "read"], "no network, no programs");
});

async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}
