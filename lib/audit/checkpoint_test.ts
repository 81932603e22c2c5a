import assert from "node:assert/strict";
import { Secret } from "../secret.ts";
import { genesis } from "./chain.ts";
import {
  type CheckpointError,
  checkpointLine,
  createSigner,
  type Leaf,
  makeCheckpoint,
  publicKeyOfPem,
  publicKeyPem,
  readCheckpoint,
  type Receipt,
  receiptHolds,
  receiptOf,
} from "./checkpoint.ts";

const seed = (byte: number) => new Secret(new Uint8Array(32).fill(byte));
const leafOf = (tenant_id: number): Leaf => ({
  tenant_id,
  seq: tenant_id * 10,
  hash: String(tenant_id).repeat(64).slice(0, 64),
  floor_seq: 0,
  floor_hash: genesis,
  cut: null,
});
const at = new Date("2026-01-31T12:00:00Z");

Deno.test("createSigner: the key pair of RFC 8032, section 7.1", async () => {
  const hex = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
  const signer = await createSigner(new Secret(Uint8Array.fromHex(hex)));
  const expected = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
  assert.equal(Uint8Array.fromBase64(signer.publicKey).toHex(), expected);
  assert.equal(publicKeyOfPem(publicKeyPem(signer.publicKey)), signer.publicKey);
  assert.throws(() => publicKeyOfPem("nothing"), /no Ed25519 public key/);
});

Deno.test("readCheckpoint: takes what was signed, and nothing that was changed since", async () => {
  const signer = await createSigner(seed(1));
  const checkpoint = await makeCheckpoint(signer, {
    leaves: [leafOf(3), leafOf(1), leafOf(2)],
    at,
    before: { n: 6, line: "the line before" },
  });
  const line = checkpointLine(checkpoint);
  assert.deepEqual(await readCheckpoint(line, signer.publicKey), checkpoint);
  assert.deepEqual([checkpoint.n, checkpoint.size], [7, 3]);

  const refused = async (changed: unknown, why: RegExp, publicKey = signer.publicKey) =>
    await assert.rejects(
      readCheckpoint(typeof changed === "string" ? changed : JSON.stringify(changed), publicKey),
      (error: CheckpointError) => why.test(error.message),
    );
  await refused("", /is no checkpoint/);
  await refused({ ...checkpoint, more: 1 }, /is no checkpoint/);
  await refused({ ...checkpoint, n: 8 }, /not signed/);
  await refused({ ...checkpoint, at: "2026-01-31T12:00:01.000Z" }, /not signed/);
  await refused({ ...checkpoint, previous: genesis }, /not signed/);
  await refused({ ...checkpoint, leaves: checkpoint.leaves.slice(1) }, /another root/);
  await refused({ ...checkpoint, leaves: checkpoint.leaves.toReversed() }, /another root/);
  for (const change of [{ seq: 11 }, { hash: genesis }, { floor_seq: 1 }, { cut: "2027" }]) {
    const [first, ...others] = checkpoint.leaves;
    await refused({ ...checkpoint, leaves: [{ ...first, ...change }, ...others] }, /another root/);
  }
  const other = await createSigner(seed(2));
  await refused(line, /not signed/, other.publicKey);
});

Deno.test("receiptHolds: proves a tenant's part without the others', and nothing else", async () => {
  const signer = await createSigner(seed(1));
  const leaves = [1, 2, 3, 4, 5].map(leafOf);
  const checkpoint = await makeCheckpoint(signer, { leaves, at, before: null });
  for (const { tenant_id, hash } of leaves) {
    const receipt = receiptOf(checkpoint, tenant_id, signer.publicKey);
    assert(await receiptHolds(receipt));
    const others = leaves.filter((leaf) => leaf.hash !== hash);
    assert(others.every((leaf) => !JSON.stringify(receipt).includes(leaf.hash)));
    const forged: Receipt[] = [
      { ...receipt, leaf: { ...receipt.leaf, seq: receipt.leaf.seq - 1 } },
      { ...receipt, leaf: { ...receipt.leaf, cut: "2030-01-01T00:00:00.000000Z" } },
      { ...receipt, index: (receipt.index + 1) % 5 },
      { ...receipt, statement: { ...receipt.statement, size: 4 } },
      { ...receipt, path: receipt.path.slice(1) },
      { ...receipt, public_key: (await createSigner(seed(2))).publicKey },
    ];
    for (const forgery of forged) assert.equal(await receiptHolds(forgery), false);
  }
  assert.throws(() => receiptOf(checkpoint, 6, signer.publicKey), /does not name/);
});
