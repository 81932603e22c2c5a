import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { z } from "zod";
import type { Secret } from "../secret.ts";
import { canonicalJson, sha256Hex } from "./canonical.ts";
import { auditPath, hashLeaf, merkleRoot, rootOfPath } from "./merkle.ts";

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const count = z.int().min(0);

/** What a checkpoint says of one tenant's chain: where it ends, and what of its beginning may be gone. */
const leafSchema = z.strictObject({
  tenant_id: count,
  seq: count,
  hash,
  floor_seq: count,
  floor_hash: hash,
  cut: z.string().nullable(),
});
export type Leaf = z.infer<typeof leafSchema>;

/** What is signed. */
const statementSchema = z.strictObject({
  type: z.literal("massacorp-audit-checkpoint/1"),
  /** Counts from 1, without a gap. */
  n: z.int().min(1),
  at: z.iso.datetime(),
  /** SHA-256 of the line before, without its line feed; zeros in the first. */
  previous: hash,
  /** Of the Merkle tree over the leaves. */
  root: hash,
  size: count,
});
export type Statement = z.infer<typeof statementSchema>;

const lineSchema = statementSchema.extend({ leaves: z.array(leafSchema), signature: z.base64() });
/** A checkpoint: one line of the file. */
export type Checkpoint = z.infer<typeof lineSchema>;

/** Enough for one tenant to hold a checkpoint, without seeing another's part of it. */
export const receiptSchema = z.strictObject({
  statement: statementSchema,
  signature: z.base64(),
  public_key: z.base64(),
  leaf: leafSchema,
  index: count,
  path: z.array(hash),
});
export type Receipt = z.infer<typeof receiptSchema>;

/** What is wrong with a checkpoint, or with the key that it is to be signed by. */
export class CheckpointError extends Error {
  override name = "CheckpointError";
}

/** Signs checkpoints with Ed25519 (RFC 8032). */
export interface CheckpointSigner {
  /** 32 bytes in base64. */
  publicKey: string;
  sign(statement: Statement): Promise<string>;
}

/** PKCS #8 (RFC 8410) around a seed of 32 bytes. */
const pkcs8 = hexToBytes("302e020100300506032b657004220420");

/** @param seed 32 random bytes: the private key */
export async function createSigner(
  seed: Secret<Uint8Array<ArrayBuffer>>,
): Promise<CheckpointSigner> {
  const key = await crypto.subtle.importKey(
    "pkcs8",
    new Uint8Array([...pkcs8, ...seed.reveal()]),
    "Ed25519",
    true,
    ["sign"],
  );
  const { x = "" } = await crypto.subtle.exportKey("jwk", key);
  return {
    publicKey: Uint8Array.fromBase64(x, { alphabet: "base64url" }).toBase64(),
    async sign(statement) {
      const bytes = signedBytes(statement);
      return new Uint8Array(await crypto.subtle.sign("Ed25519", key, bytes)).toBase64();
    },
  };
}

/** The public key for `openssl`: SubjectPublicKeyInfo (RFC 8410) in PEM. */
export function publicKeyPem(publicKey: string): string {
  const spki = new Uint8Array([
    ...hexToBytes("302a300506032b6570032100"),
    ...Uint8Array.fromBase64(publicKey),
  ]);
  return `-----BEGIN PUBLIC KEY-----\n${spki.toBase64()}\n-----END PUBLIC KEY-----\n`;
}

/** @throws {CheckpointError} when it is no such key */
export function publicKeyOfPem(pem: string): string {
  const base64 = pem.replace(/-----[A-Z ]+-----|\s/g, "");
  try {
    const bytes = Uint8Array.fromBase64(base64);
    if (bytes.length === 44) return bytes.slice(12).toBase64();
  } catch {
    // Answered like a key of another kind.
  }
  throw new CheckpointError("is no Ed25519 public key in PEM");
}

function signedBytes(statement: Statement): Uint8Array<ArrayBuffer> {
  return new Uint8Array(utf8ToBytes(canonicalJson(statementSchema.parse(statement))));
}

const leafHash = (leaf: Leaf) => hashLeaf(utf8ToBytes(canonicalJson(leaf)));

/** Makes the next checkpoint over leaves. @param before the line before, or null for the first ever */
export async function makeCheckpoint(
  signer: CheckpointSigner,
  options: { leaves: readonly Leaf[]; at: Date; before: { n: number; line: string } | null },
): Promise<Checkpoint> {
  const { at, before } = options;
  const leaves = options.leaves.toSorted((a, b) => a.tenant_id - b.tenant_id);
  const statement: Statement = {
    type: "massacorp-audit-checkpoint/1",
    n: (before?.n ?? 0) + 1,
    at: at.toISOString(),
    previous: before ? sha256Hex(before.line) : "0".repeat(64),
    root: bytesToHex(merkleRoot(leaves.map(leafHash))),
    size: leaves.length,
  };
  return { ...statement, leaves, signature: await signer.sign(statement) };
}

/** The line of a checkpoint, without its line feed. */
export const checkpointLine = (checkpoint: Checkpoint): string => canonicalJson(checkpoint);

/**
 * Reads a line and checks it by itself: its form, its root, its signature.
 * @throws {CheckpointError} saying what is wrong with it
 */
export async function readCheckpoint(line: string, publicKey: string): Promise<Checkpoint> {
  let checkpoint: Checkpoint;
  try {
    checkpoint = lineSchema.parse(JSON.parse(line));
  } catch {
    throw new CheckpointError("is no checkpoint");
  }
  const { leaves, signature, ...statement } = checkpoint;
  const root = bytesToHex(merkleRoot(leaves.map(leafHash)));
  if (root !== statement.root || leaves.length !== statement.size) {
    throw new CheckpointError("has another root than its leaves make");
  }
  if (!(await isSigned(statement, signature, publicKey))) {
    throw new CheckpointError("is not signed by this key");
  }
  return checkpoint;
}

async function isSigned(
  statement: Statement,
  signature: string,
  publicKey: string,
): Promise<boolean> {
  const key = await crypto.subtle.importKey(
    "raw",
    Uint8Array.fromBase64(publicKey),
    "Ed25519",
    false,
    ["verify"],
  );
  const bytes = Uint8Array.fromBase64(signature);
  return await crypto.subtle.verify("Ed25519", key, bytes, signedBytes(statement));
}

/** What a tenant gets of a checkpoint; its leaf must be in it. */
export function receiptOf(checkpoint: Checkpoint, tenantId: number, publicKey: string): Receipt {
  const { leaves, signature, ...statement } = checkpoint;
  const index = leaves.findIndex((leaf) => leaf.tenant_id === tenantId);
  const leaf = leaves[index];
  if (!leaf) throw new CheckpointError("does not name this tenant");
  const path = auditPath(leaves.map(leafHash), index).map(bytesToHex);
  return { statement, signature, public_key: publicKey, leaf, index, path };
}

/** Whether a receipt is what it says: the leaf leads to the root, and the root is signed. */
export async function receiptHolds(receipt: Receipt): Promise<boolean> {
  const { statement, leaf, index, signature, public_key } = receipt;
  const path = receipt.path.map((hash) => hexToBytes(hash));
  const root = rootOfPath(leafHash(leaf), { index, size: statement.size, path });
  if (!root || bytesToHex(root) !== statement.root) return false;
  return await isSigned(statement, signature, public_key);
}
