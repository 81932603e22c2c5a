import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { deriveSubkey } from "../../lib/seal.ts";
import { keyIdOf } from "../../lib/seal_ring.ts";
import { change, writeKeys } from "./encryption_key.ts";
import { apiSecretFiles, presharedSubkeyFiles, readEncryptionKeys } from "./secrets.ts";

async function secretFolder() {
  const root = await Deno.makeTempDir();
  const secrets = { api: join(root, "api"), wgd: join(root, "wgd") };
  for (const each of Object.values(secrets)) await Deno.mkdir(each);
  const folder = { secrets: { ...secrets, supervisor: root, sealer: root } };
  return { folder, [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }) };
}

const stillNeeded = () => Promise.resolve(null);

Deno.test("encryption:key: add, use and drop, of which each file is whole and each key stands somewhere", async () => {
  await using place = await secretFolder();
  const { folder } = place;
  const files = await apiSecretFiles(folder);
  let keys = readEncryptionKeys(files);
  const first = await keyIdOf(keys[0]);
  await presharedSubkeyFiles(folder, keys);
  const step = async (verb: string, id?: string) => {
    const before = keys;
    keys = await change(before, { verb, id, stillNeeded });
    // What of it is done, and then done again, as after a kill, comes to the same.
    for (const _ of [1, 2]) await writeKeys(folder, files, { before, after: keys });
    const ids = await Promise.all(readEncryptionKeys(files).map(keyIdOf));
    deepEqual(ids, await Promise.all(keys.map(keyIdOf)));
    const subkeys = (await Promise.all(["preshared_subkey", "preshared_subkeys_old"]
      .map((name) => Deno.readTextFile(join(folder.secrets.wgd, name))))).join("").trim();
    deepEqual(
      subkeys.split("\n"),
      await Promise.all(
        keys.map(async (key) =>
          (await deriveSubkey(key, "wireguard-preshared-key")).reveal().toBase64()
        ),
      ),
    );
    return ids;
  };
  const [, next = ""] = await step("add");
  deepEqual(await step("use", next), [next, first]);
  await rejects(step("drop", next), /this key seals/);
  await rejects(step("drop", "0011223344556677"), /there is no key/);
  await rejects(step("use"), /usage/);
  await rejects(step("burn", next), /usage/);
  const needed = () => Promise.resolve("still needed");
  await rejects(change(keys, { verb: "drop", id: first, stillNeeded: needed }), /still needed/);
  deepEqual(await step("drop", first), [next]);
  const { mode } = await Deno.stat(files.encryptionKeysOldFile);
  equal((mode ?? 0) & 0o777, 0o600);
});

Deno.test("encryption:key: cut off between two files, every key is there still, and the step can be repeated", async () => {
  await using place = await secretFolder();
  const { folder } = place;
  const files = await apiSecretFiles(folder);
  const before = await change(readEncryptionKeys(files), {
    verb: "add",
    id: undefined,
    stillNeeded,
  });
  await writeKeys(folder, files, { before, after: before });
  const all = new Set(await Promise.all(before.map(keyIdOf)));
  const next = await keyIdOf(before[1] ?? before[0]);
  const after = await change(before, { verb: "use", id: next, stillNeeded });
  // A folder in its place: writing the key's file fails after the old ones were written.
  await Deno.mkdir(`${files.encryptionKeyFile}.new`);
  await rejects(writeKeys(folder, files, { before, after }));
  const cut = readEncryptionKeys(files);
  deepEqual(new Set(await Promise.all(cut.map(keyIdOf))), all);
  await Deno.remove(`${files.encryptionKeyFile}.new`);
  const again = await change(cut, { verb: "use", id: next, stillNeeded });
  await writeKeys(folder, files, { before: cut, after: again });
  const ids = await Promise.all(readEncryptionKeys(files).map(keyIdOf));
  deepEqual([ids[0], new Set(ids), ids.length], [next, all, 2]);
});

Deno.test("encryption:key: shows names and never a key, and says where it looked", async () => {
  await using place = await secretFolder();
  const { folder } = place;
  const root = folder.secrets.supervisor;
  const run = async (data: string, ...args: string[]) => {
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "-q",
        "-P=cli",
        new URL("encryption_key.ts", import.meta.url).pathname,
        ...args,
      ],
      env: { MASSACORP_DATA: data, NO_COLOR: "1" },
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  };
  match((await run(root)).text, /has no encryption_key: name the data folder in MASSACORP_DATA/);
  const data = join(root, "data");
  await Deno.mkdir(join(data, "secrets/wgd"), { recursive: true });
  await Deno.rename(folder.secrets.api, join(data, "secrets/api"));
  const own = { secrets: { ...folder.secrets, api: join(data, "secrets/api") } };
  const key = await Deno.readTextFile((await apiSecretFiles(own)).encryptionKeyFile);
  const added = await run(data, "add");
  match(added.text, /^[0-9a-f]{16} {2}seals\n[0-9a-f]{16} {2}opens\n$/);
  equal(added.text.includes(key.trim()), false);
  const [, other = ""] = added.text.split("\n").map((line) => line.slice(0, 16));
  const refused = await run(data, "drop", other);
  equal(refused.code, 1);
  match(refused.text, /no API listens/);
  equal((await run(data, "drop", other, "--force")).text.split("\n").length, 2);
});
