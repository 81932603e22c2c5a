import { deriveSubkey } from "./seal.ts";
import { Secret } from "./secret.ts";
import { decodeKey, encodeKey } from "./wireguard_key.ts";

/** What a receipt says: that an interface was read back without a key. */
export interface ReceiptFacts {
  readonly interfaceId: number;
  /** Public key of the gateway whose interface it was. */
  readonly gatewayKey: string;
  readonly tenantId: number;
  /** In lower case. */
  readonly peerId: string;
  /** `peer`: the peer was removed; `key`: it got another key, and this one went. */
  readonly what: "peer" | "key";
  readonly publicKey: string;
  /** By the clock of the gateway's host. */
  readonly readBackAt: Date;
}

/** Signs as a gateway. */
export interface ReceiptSigner {
  /** Ed25519 public key (RFC 8032), in base64. */
  readonly publicKey: string;
  /** @returns the 64 bytes of the signature */
  sign(facts: ReceiptFacts): Promise<Uint8Array>;
}

const encoder = new TextEncoder();

/**
 * The text that is signed, which docs/decisions/0025-receipts.md defines: its first line is version and context,
 * so that no other signature of this key can pass for a receipt.
 */
export function receiptStatement(facts: ReceiptFacts): string {
  return [
    "massacorp receipt v1",
    `interface ${facts.interfaceId}`,
    `gateway ${facts.gatewayKey}`,
    `tenant ${facts.tenantId}`,
    `peer ${facts.peerId}`,
    `what ${facts.what}`,
    `public-key ${facts.publicKey}`,
    `read-back-at ${facts.readBackAt.toISOString()}`,
  ].map((line) => `${line}\n`).join("");
}

/** PKCS#8 wraps the 32 bytes of an Ed25519 seed behind this fixed prefix (RFC 8410, section 7). */
const pkcs8Prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/**
 * The key that a gateway signs receipts with: HKDF-SHA-256 of its private key, for this purpose. Whoever has the
 * gateway's key has this one; this one tells nothing of the gateway's.
 */
export async function createReceiptSigner(gatewayKey: Secret<string>): Promise<ReceiptSigner> {
  const seed = await deriveSubkey(new Secret(decodeKey(gatewayKey.reveal())), "receipt-signing");
  const pkcs8 = new Uint8Array([...pkcs8Prefix, ...seed.reveal()]);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await crypto.subtle.exportKey("jwk", key);
  if (!x) throw new TypeError("the platform exported an Ed25519 key without its public part");
  return {
    publicKey: encodeKey(Uint8Array.fromBase64(x, { alphabet: "base64url" })),
    async sign(facts) {
      const text = encoder.encode(receiptStatement(facts));
      return new Uint8Array(await crypto.subtle.sign("Ed25519", key, text));
    },
  };
}

/**
 * True when the key signed this text.
 * @param signed.receiptKey Ed25519 public key in base64; a key that is none verifies nothing
 */
export async function verifyReceipt(
  { statement, receiptKey, signature }: {
    statement: string;
    receiptKey: string;
    signature: Uint8Array<ArrayBuffer>;
  },
): Promise<boolean> {
  try {
    const raw = decodeKey(receiptKey);
    const key = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, encoder.encode(statement));
  } catch (error) {
    if (error instanceof DOMException) return false;
    throw error;
  }
}
