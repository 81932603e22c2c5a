import { sha256 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";

/** The Merkle tree of RFC 6962 (Certificate Transparency), section 2.1: roots and audit paths by SHA-256. */
export type Hash = Uint8Array<ArrayBufferLike>;

export const hashLeaf = (leaf: Uint8Array): Hash => sha256(concatBytes(Uint8Array.of(0), leaf));
const hashNode = (left: Hash, right: Hash): Hash =>
  sha256(concatBytes(Uint8Array.of(1), left, right));

/** The largest power of two below n. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** @param leaves their hashes, from {@link hashLeaf} */
export function merkleRoot(leaves: readonly Hash[]): Hash {
  const [only] = leaves;
  if (!only) return sha256(new Uint8Array());
  if (leaves.length === 1) return only;
  const k = split(leaves.length);
  return hashNode(merkleRoot(leaves.slice(0, k)), merkleRoot(leaves.slice(k)));
}

/** What leads from a leaf to the root: the hashes of the other side, from the leaf up. */
export function auditPath(leaves: readonly Hash[], index: number): Hash[] {
  if (leaves.length <= 1) return [];
  const k = split(leaves.length);
  return index < k
    ? [...auditPath(leaves.slice(0, k), index), merkleRoot(leaves.slice(k))]
    : [...auditPath(leaves.slice(k), index - k), merkleRoot(leaves.slice(0, k))];
}

/** The root that a leaf and its path lead to, or undefined when the path is none of a tree of that size. */
export function rootOfPath(
  leaf: Hash,
  proof: { index: number; size: number; path: readonly Hash[] },
): Hash | undefined {
  const { index, size, path } = proof;
  if (!(index >= 0 && index < size)) return undefined;
  if (size === 1) return path.length === 0 ? leaf : undefined;
  const other = path.at(-1);
  if (!other) return undefined;
  const k = split(size);
  const below = path.slice(0, -1);
  const side = index < k
    ? rootOfPath(leaf, { index, size: k, path: below })
    : rootOfPath(leaf, { index: index - k, size: size - k, path: below });
  return side && (index < k ? hashNode(side, other) : hashNode(other, side));
}
