import assert from "node:assert/strict";
import { Secret } from "../../lib/secret.ts";
import { encodeKey } from "../../lib/wireguard_key.ts";
import { temporaryFolder } from "../../tests/support/temporary_folder.ts";
import { openSnapshotFile, slotCount, slotLength, SnapshotError } from "./file.ts";

type Subkey = Secret<Uint8Array<ArrayBuffer>>;

const key = (byte: number) => encodeKey(new Uint8Array(32).fill(byte));
const body = new TextEncoder().encode("peers and their secrets");
const presharedSubkey = new Secret(crypto.getRandomValues(new Uint8Array(32)));

const open = (
  at: { path: string },
  change: { place?: string; subkeys?: [Subkey, ...Subkey[]] } = {},
) =>
  openSnapshotFile({
    path: `${at.path}/snapshot`,
    presharedSubkeys: change.subkeys ?? [presharedSubkey],
    place: change.place ?? "1/wg0/key",
  });

Deno.test("T8: a snapshot is read back as written, 0600, and nothing of it can be read without the key", async () => {
  await using at = await temporaryFolder();
  const file = await open(at);
  assert.equal(await file.read(), null);
  assert.equal(file.free, 0);
  await file.write(body);
  await file.strike([key(1), key(2)]);
  await file.strike([key(3)], 2);
  await file.strike([], 1);
  assert.equal(file.free, slotCount - 5);
  const again = await open(at);
  const stored = await again.read();
  const struck = new Set([key(1), key(2), key(3)]);
  assert.deepEqual(stored, { body, struck, time: 2, complete: true });
  assert.equal(again.free, slotCount - 5);
  await again.strike([key(4)]);
  await again.markIncomplete();
  const last = await (await open(at)).read();
  assert.deepEqual([last?.struck.size, last?.complete], [4, false]);
  const { mode } = await Deno.stat(`${at.path}/snapshot`);
  assert.equal((mode ?? 0) & 0o777, 0o600);
  const text = new TextDecoder("latin1").decode(await Deno.readFile(`${at.path}/snapshot`));
  assert.ok(!text.includes("peers") && !text.includes(String.fromCharCode(...Array(8).fill(2))));
});

Deno.test("T8: a body written anew forgets what was struck out of the one before", async () => {
  await using at = await temporaryFolder();
  const file = await open(at);
  await file.write(body);
  await file.strike([key(1)]);
  await file.write(body);
  assert.equal((await (await open(at)).read())?.struck.size, 0);
  await file.unlink();
  assert.equal(await file.read(), null);
  await file.unlink();
});

Deno.test("T8: a snapshot that is damaged, cut off, foreign or open to others is refused", async (t) => {
  await using at = await temporaryFolder();
  const path = `${at.path}/snapshot`;
  const file = await open(at);
  const cases: [string, (bytes: Uint8Array<ArrayBuffer>) => Promise<unknown>, RegExp][] = [
    ["empty", () => Deno.writeFile(path, new Uint8Array()), /damaged or cut off/],
    ["one byte short", (bytes) => Deno.truncate(path, bytes.length - 1), /damaged or cut off/],
    [
      "without a removal at its end",
      (bytes) => Deno.truncate(path, bytes.length - slotLength),
      /damaged or cut off/,
    ],
    ["one byte long", (bytes) => Deno.writeFile(path, new Uint8Array([...bytes, 0])), /cut off/],
    ["open to the group", () => Deno.chmod(path, 0o640), /may be read by others/],
    ["open to all", () => Deno.chmod(path, 0o604), /may be read by others/],
    ["a link", async () => {
      await Deno.rename(path, `${at.path}/elsewhere`);
      await Deno.symlink(`${at.path}/elsewhere`, path);
    }, /is not a file/],
  ];
  const strip = 8 + 4 + 1 + 12 + body.length + 16;
  for (const at of [0, 8, 12, 30, strip - 1, strip, strip + 40]) {
    cases.push([`byte ${at} flipped`, (bytes) => {
      bytes[at] = (bytes[at] ?? 0) ^ 1;
      return Deno.writeFile(path, bytes);
    }, /is damaged/]);
  }
  cases.push(["a first removal blotted out", (bytes) => {
    bytes.fill(0, strip, strip + slotLength);
    return Deno.writeFile(path, bytes);
  }, /damaged where removals are noted/]);
  for (const [name, damage, words] of cases) {
    const passed = await t.step(name, async () => {
      await Deno.remove(path, { recursive: true }).catch(() => {});
      await file.write(body);
      await file.strike([key(1), key(2)]);
      await damage(await Deno.readFile(path));
      await assert.rejects((await open(at)).read(), (error) => {
        assert.ok(error instanceof SnapshotError);
        assert.match(error.message, words);
        return true;
      });
    });
    assert.ok(passed, name);
  }
  await Deno.remove(path);
  await file.write(body);
  const other = new Secret(crypto.getRandomValues(new Uint8Array(32)));
  await assert.rejects((await open(at, { place: "2/wg0/key" })).read(), SnapshotError);
  await assert.rejects((await open(at, { subkeys: [other] })).read(), SnapshotError);
  // The key is being changed: the snapshot before opens, is struck as it is sealed, and the next is the new key's.
  const during = await open(at, { subkeys: [other, presharedSubkey] });
  assert.deepEqual((await during.read())?.body, body);
  await during.strike([key(1)]);
  assert.deepEqual((await (await open(at)).read())?.struck, new Set([key(1)]));
  await during.write(body);
  await during.strike([key(2)]);
  const after = await (await open(at, { subkeys: [other] })).read();
  assert.deepEqual(after?.struck, new Set([key(2)]));
  await assert.rejects((await open(at)).read(), SnapshotError);
});

Deno.test("T8: removals of one body are not those of another", async () => {
  await using at = await temporaryFolder();
  const path = `${at.path}/snapshot`;
  const file = await open(at);
  await file.write(body);
  await file.strike([key(1)]);
  const old = await Deno.readFile(path);
  await file.write(body);
  const fresh = await Deno.readFile(path);
  const strip = fresh.length - slotCount * slotLength;
  fresh.set(old.subarray(strip), strip);
  await Deno.writeFile(path, fresh);
  await assert.rejects((await open(at)).read(), SnapshotError);
});

Deno.test("T8: a write that fails leaves the snapshot before as it was", async () => {
  await using at = await temporaryFolder();
  const file = await open(at);
  await file.write(body);
  await Deno.mkdir(`${at.path}/snapshot.new`);
  await Deno.writeTextFile(`${at.path}/snapshot.new/in-the-way`, "");
  await assert.rejects(file.write(new TextEncoder().encode("other")), SnapshotError);
  await file.strike([key(1)]);
  const stored = await (await open(at)).read();
  assert.deepEqual(stored, { body, struck: new Set([key(1)]), time: 0, complete: true });
});
