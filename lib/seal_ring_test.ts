import assert from "node:assert/strict";
import { createSealer } from "./seal.ts";
import { createNamingSealer, createSealRing, keyIdOf, sealedUnder } from "./seal_ring.ts";
import { Secret } from "./secret.ts";

const key = () => new Secret(crypto.getRandomValues(new Uint8Array(32)));
const value = new TextEncoder().encode("the value");

Deno.test("createSealRing: A6: the first key seals, each opens its own, and none that was dropped", async () => {
  const [old, next] = [key(), key()];
  const before = await createSealRing([old], "mfa-secret");
  const during = await createSealRing([next, old], "mfa-secret");
  const after = await createSealRing([next], "mfa-secret");
  const sealed = await before.seal(value, "row 1");
  assert.deepEqual(await during.open(sealed, "row 1"), value);
  const anew = await during.seal(value, "row 1");
  assert.notEqual(anew.keyId, sealed.keyId);
  assert.deepEqual(await after.open(anew, "row 1"), value);
  const refused = { name: "SealError" };
  await assert.rejects(after.open(sealed, "row 1"), refused);
  await assert.rejects(during.open(sealed, "row 2"), refused);
  await assert.rejects(during.open({ ...sealed, keyId: anew.keyId }, "row 1"), refused);
  await assert.rejects(
    (await createSealRing([next, old], "mfa-recovery-code")).open(sealed, "row 1"),
    refused,
    "a key has a subkey for each purpose",
  );
});

Deno.test("keyIdOf: names a key, and is no part of it", async () => {
  const one = key();
  const id = await keyIdOf(one);
  assert.match(id, /^[0-9a-f]{16}$/);
  assert.equal(id, await keyIdOf(one));
  assert.notEqual(id, await keyIdOf(key()));
  assert.ok(!one.reveal().toHex().includes(id));
});

Deno.test("createNamingSealer: A6: a value names its key, opens for its row alone, and under no key that was dropped", async () => {
  const [old, next] = [key(), key()];
  const before = await createNamingSealer([old]);
  const during = await createNamingSealer([next, old]);
  const after = await createNamingSealer([next]);
  const unnamed = await (await createSealer(old)).seal(value, "row 1");
  const sealed = await before.seal(value, "row 1");
  assert.deepEqual([sealedUnder(unnamed), sealedUnder(sealed)], ["unnamed", before.keyId]);
  for (const each of [unnamed, sealed]) assert.deepEqual(await during.open(each, "row 1"), value);
  const anew = await during.seal(value, "row 1");
  assert.equal(sealedUnder(anew), after.keyId);
  assert.deepEqual(await after.open(anew, "row 1"), value);
  assert.deepEqual([after.has(before.keyId), during.has(before.keyId)], [false, true]);

  const renamed = anew.slice();
  renamed.set(Uint8Array.fromHex(before.keyId), 1);
  const refused = { name: "SealError" };
  for (const each of [unnamed, sealed]) await assert.rejects(after.open(each, "row 1"), refused);
  for (const each of [renamed, anew.subarray(0, 20), anew.subarray(0, 3), new Uint8Array()]) {
    await assert.rejects(during.open(each, "row 1"), refused);
  }
  for (const each of [unnamed, sealed, anew]) {
    await assert.rejects(during.open(each, "row 2"), refused);
  }
});
