import assert from "node:assert/strict";
import {
  createReceiptSigner,
  type ReceiptFacts,
  receiptStatement,
  verifyReceipt,
} from "./receipt.ts";
import { Secret } from "./secret.ts";

/** Made once with this code; a change of derivation or text would make every stored receipt worthless. */
const vector = {
  gatewayKey: "WEpEYFIBFSDWvuQUyRVQcZ3uS3Ab8HLDtw2Fn/n3m3M=",
  receiptKey: "LxQ1tnm2tFs5OlVvww+eTC5qPRkq+9jPu13E9D0CRLY=",
  signature:
    "ft4pi6hD6lZYJk1LVi+iFuu11EqVH5Gvd4cW55GpAdeoOfYfWMyZfSn8hVECvu2J1J1fsEarh07fYly+gg8CCA==",
};
const facts: ReceiptFacts = {
  interfaceId: 1,
  gatewayKey: "dB5wyxXMvaOqgZYBTBYk4vCnNSP0qJpywmDT+ZeuXyU=",
  tenantId: 2,
  peerId: "01a1fc36-6e46-73af-ab04-4b8946f232c6",
  what: "peer",
  publicKey: "j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=",
  readBackAt: new Date("2026-11-21T03:46:28.203Z"),
};

Deno.test("receiptStatement: exactly this text", () => {
  assert.equal(
    receiptStatement(facts),
    `massacorp receipt v1
interface 1
gateway dB5wyxXMvaOqgZYBTBYk4vCnNSP0qJpywmDT+ZeuXyU=
tenant 2
peer 01a1fc36-6e46-73af-ab04-4b8946f232c6
what peer
public-key j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=
read-back-at 2026-11-21T03:46:28.203Z
`,
  );
});

Deno.test("createReceiptSigner: one gateway key, one signing key and one signature, for ever", async () => {
  const signer = await createReceiptSigner(new Secret(vector.gatewayKey));
  assert.equal(signer.publicKey, vector.receiptKey);
  // Ed25519 is deterministic (RFC 8032).
  assert.equal((await signer.sign(facts)).toBase64(), vector.signature);
});

Deno.test("verifyReceipt: T3: holds for exactly what was signed, by exactly this key", async () => {
  const signer = await createReceiptSigner(new Secret(vector.gatewayKey));
  const other = await createReceiptSigner(new Secret(facts.gatewayKey));
  const signed = {
    statement: receiptStatement(facts),
    receiptKey: signer.publicKey,
    signature: Uint8Array.fromBase64(vector.signature),
  };
  const changes: Partial<ReceiptFacts>[] = [
    { interfaceId: 2 },
    { gatewayKey: facts.publicKey },
    { tenantId: 3 },
    { peerId: "01a1fc36-6e46-73af-ab04-4b8946f232c7" },
    { what: "key" },
    { publicKey: facts.gatewayKey },
    { readBackAt: new Date("2026-11-21T03:46:28.204Z") },
  ];
  assert.equal(await verifyReceipt(signed), true);
  for (const change of changes) {
    const statement = receiptStatement({ ...facts, ...change });
    assert.equal(await verifyReceipt({ ...signed, statement }), false, JSON.stringify(change));
  }
  const broken = signed.signature.slice();
  broken[0] = (broken[0] ?? 0) ^ 1;
  assert.equal(await verifyReceipt({ ...signed, signature: broken }), false);
  for (
    const receiptKey of [other.publicKey, "", "AAAA", "no base64 at all", "A".repeat(43) + "="]
  ) {
    assert.equal(await verifyReceipt({ ...signed, receiptKey }), false, receiptKey);
  }
  assert.equal(await verifyReceipt({ ...signed, signature: new Uint8Array(3) }), false);
});
