import { deepEqual, equal, rejects } from "node:assert/strict";
import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { Secret } from "../../lib/secret.ts";
import { version } from "../../lib/version.ts";
import { createTerminal } from "../local/terminal.ts";
import { type Manifest, manifestEntry, noting, textEntry } from "./manifest.ts";
import { verifyBackup } from "./open_backup.ts";
import { restore } from "./restore.ts";
import { type Entry, writeTar } from "./tar.ts";

const identity = await generateX25519Identity();
const keys = new Secret(`# a comment\n${identity}\n`);

/** An archive as anybody can make one who knows the recipient. */
async function forge(
  contents: Entry[],
  change: (manifest: Manifest) => void = () => {},
  behind: Entry[] = [],
) {
  const manifest: Manifest = {
    format: 1,
    version,
    created_at: "2026-01-01T00:00:00.000Z",
    database: {
      kind: "files",
      server: "16.14",
      architecture: Deno.build.arch,
      migrations: ["0001_tenancy"],
      start_lsn: "0/0",
      stop_lsn: "0/0",
    },
    files: [],
  };
  const entries = async function* () {
    yield* noting(ReadableStream.from(contents), manifest.files);
    change(manifest);
    yield manifestEntry(manifest);
    yield* behind;
  };
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  const file = await Deno.makeTempFile({ prefix: "massacorp-backup-" });
  const sealed = await encrypter.encrypt(ReadableStream.from(writeTar(entries())));
  await Deno.writeFile(file, sealed);
  return { file, [Symbol.asyncDispose]: () => Deno.remove(file) };
}

const two = () => [textEntry("secrets/a", "one"), textEntry("wgd/b", "x".repeat(200_000))];

Deno.test("verifyBackup: takes what is whole, and the manifest says what it is", async () => {
  await using made = await forge(two());
  const { files, database } = await verifyBackup(made.file, keys);
  deepEqual(files.map(({ path, size }) => [path, size]), [["secrets/a", 3], ["wgd/b", 200_000]]);
  equal(database.server, "16.14");
});

Deno.test("verifyBackup: refuses what its manifest does not say", async () => {
  const [first] = two();
  const refused: [RegExp, Awaited<ReturnType<typeof forge>>][] = [
    [
      /secrets\/a is not what/,
      await forge(two(), ({ files: [a] }) => Object.assign(a ?? {}, { sha256: "0".repeat(64) })),
    ],
    [
      /secrets\/a is not what/,
      await forge(two(), ({ files: [a] }) => Object.assign(a ?? {}, { size: 4 })),
    ],
    [/wgd\/b is not in the manifest/, await forge(two(), ({ files }) => files.pop())],
    [
      /wgd\/c is not what/,
      await forge(two(), ({ files: [, b] }) => Object.assign(b ?? {}, { path: "wgd/c" })),
    ],
    [/secrets\/a is there twice/, await forge([...two(), ...first ? [first] : []])],
    [/something follows the manifest/, await forge(two(), () => {}, [textEntry("wgd/c", "")])],
    [/not one that this version reads/, await forge(two(), (m) => Object.assign(m, { format: 2 }))],
    [/names "\.\.\/a"/, await forge([textEntry("../a", "out")])],
  ];
  for (const [words, made] of refused) {
    await using _made = made;
    await rejects(verifyBackup(made.file, keys), { name: "BackupError", message: words });
  }
});

Deno.test("verifyBackup: refuses another's key, no key, and a file that was cut, changed or is none", async () => {
  await using made = await forge(two());
  const other = new Secret(await generateX25519Identity());
  await rejects(verifyBackup(made.file, other), { message: /no identity that was given opens/ });
  await rejects(verifyBackup(made.file, new Secret("AGE-SECRET-KEY-1NONE")), {
    message: /is none$/,
  });
  await rejects(verifyBackup(made.file, new Secret("")), {
    message: /no identity of age was given/,
  });
  const bytes = await Deno.readFile(made.file);
  for (const end of [0, 50, 150, 1000, 65_536 + 300, bytes.length - 1]) {
    await Deno.writeFile(made.file, bytes.subarray(0, end));
    await rejects(verifyBackup(made.file, keys), { name: "BackupError" });
  }
  for (const at of [30, 400, bytes.length >> 1, bytes.length - 1]) {
    const bent = bytes.slice();
    bent[at] = (bent[at] ?? 0) ^ 1;
    await Deno.writeFile(made.file, bent);
    await rejects(verifyBackup(made.file, keys), { name: "BackupError" }, `bit at ${at}`);
  }
});

Deno.test("restore: refuses a newer schema, another architecture, a dump without its database, and a clock before the backup, and makes no folder", async () => {
  const parent = await Deno.makeTempDir();
  const options = {
    dataFolder: join(parent, "data"),
    ownerUrl: undefined,
    replace: false,
    keepSessions: false,
    revokeKeys: false,
    path: "/usr/bin:/bin",
    terminal: createTerminal(() => {}),
  };
  try {
    for (
      const [words, change] of [
        [/migration 9999_later, which this version does not know/, (m: Manifest) => {
          m.database.migrations.push("9999_later");
        }],
        [/needs 16 on the same architecture/, (m: Manifest) => m.database.architecture = "other"],
        [/needs 16 on the same architecture/, (m: Manifest) => m.database.server = "17.1"],
        [/by pg_dump: name an empty database/, (m: Manifest) => m.database.kind = "dump"],
        [/set the clock first/, (m: Manifest) => m.created_at = "2999-01-01T00:00:00.000Z"],
      ] as const
    ) {
      await using made = await forge(two(), change);
      await rejects(restore(made.file, keys, options), { name: "BackupError", message: words });
    }
    await rejects(Deno.lstat(options.dataFolder), Deno.errors.NotFound);
  } finally {
    await Deno.remove(parent, { recursive: true });
  }
});
