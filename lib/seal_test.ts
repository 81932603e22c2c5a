import assert from "node:assert/strict";
import { createSealer, deriveSubkey, presharedKeyRow } from "./seal.ts";
import { Secret } from "./secret.ts";

const master = new Secret(crypto.getRandomValues(new Uint8Array(32)));
const value = new TextEncoder().encode("the value");

Deno.test("createSealer: A6: a sealed value opens for its row under its key, and for nothing else", async () => {
  const sealer = await createSealer(await deriveSubkey(master, "wireguard-preshared-key"));
  const sealed = await sealer.seal(value, "row 1");
  assert.deepEqual(await sealer.open(sealed, "row 1"), value);
  assert.notDeepEqual(await sealer.seal(value, "row 1"), sealed, "a nonce is never used twice");

  const otherMaster = new Secret(crypto.getRandomValues(new Uint8Array(32)));
  const otherSealer = await createSealer(
    await deriveSubkey(otherMaster, "wireguard-preshared-key"),
  );
  const masterSealer = await createSealer(master);
  const refused = { name: "SealError" };
  await assert.rejects(sealer.open(sealed, "row 2"), refused);
  await assert.rejects(otherSealer.open(sealed, "row 1"), refused);
  await assert.rejects(masterSealer.open(sealed, "row 1"), refused);
  for (let at = 0; at < sealed.length; at++) {
    const altered = sealed.slice();
    altered[at] = (altered[at] ?? 0) ^ 1;
    await assert.rejects(sealer.open(altered, "row 1"), refused, `byte ${at}`);
  }
  for (const cut of [0, 1, 12, sealed.length - 1]) {
    await assert.rejects(sealer.open(sealed.slice(0, cut), "row 1"), refused, `length ${cut}`);
  }
});

Deno.test("presharedKeyRow: another tenant, peer or key is another row", () => {
  const row = { tenantId: 1, peerId: "a", publicKey: "k" };
  const rows = [row, { ...row, tenantId: 2 }, { ...row, peerId: "b" }, { ...row, publicKey: "l" }];
  assert.equal(new Set(rows.map(presharedKeyRow)).size, rows.length);
});
