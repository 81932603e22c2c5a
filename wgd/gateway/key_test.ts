import assert from "node:assert/strict";
import { publicKeyOf } from "../../lib/wireguard_key.ts";
import { temporaryFolder } from "../../tests/support/temporary_folder.ts";
import { createGatewayKey, GatewayKeyError, readGatewayKey } from "./key.ts";

Deno.test("T6: createGatewayKey: a file for its owner alone, and nothing else left in the folder", async () => {
  await using dir = await temporaryFolder();
  const file = `${dir.path}/gateway.key`;
  const key = await createGatewayKey(file);
  assert.equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
  assert.deepEqual([...Deno.readDirSync(dir.path)].map((entry) => entry.name), ["gateway.key"]);
  const read = await readGatewayKey(file);
  assert.equal(read?.privateKey.reveal(), key.privateKey.reveal());
  assert.equal(read?.publicKey, await publicKeyOf(key.privateKey));
});

Deno.test("createGatewayKey: never overwrites, and of many at once all get one key", async () => {
  await using dir = await temporaryFolder();
  const file = `${dir.path}/gateway.key`;
  const keys = await Promise.all(Array.from({ length: 8 }, () => createGatewayKey(file)));
  assert.equal(new Set(keys.map((key) => key.publicKey)).size, 1);
  const before = await Deno.readTextFile(file);
  assert.equal((await createGatewayKey(file)).publicKey, keys[0]?.publicKey);
  assert.equal(await Deno.readTextFile(file), before);
});

Deno.test("readGatewayKey: no file is no key, not an error", async () => {
  await using dir = await temporaryFolder();
  assert.equal(await readGatewayKey(`${dir.path}/gateway.key`), undefined);
});

Deno.test("T6: readGatewayKey: refuses a file that others may read", async () => {
  await using dir = await temporaryFolder();
  const file = `${dir.path}/gateway.key`;
  await createGatewayKey(file);
  await Deno.chmod(file, 0o640);
  await assert.rejects(readGatewayKey(file), (error: unknown) => {
    assert.ok(error instanceof GatewayKeyError);
    assert.match(error.message, /chmod 600/);
    return true;
  });
});

Deno.test("readGatewayKey: refuses what is no key, without quoting it", async () => {
  await using dir = await temporaryFolder();
  const file = `${dir.path}/gateway.key`;
  await Deno.writeTextFile(file, "hunter2\n", { mode: 0o600 });
  await assert.rejects(readGatewayKey(file), (error: unknown) => {
    assert.ok(error instanceof GatewayKeyError);
    assert.ok(!error.message.includes("hunter2"));
    return true;
  });
});

Deno.test("createGatewayKey: a missing folder is named", async () => {
  await using dir = await temporaryFolder();
  await assert.rejects(createGatewayKey(`${dir.path}/no/gateway.key`), {
    name: "GatewayKeyError",
    message: new RegExp(`${dir.path}/no .*does not exist`),
  });
});
