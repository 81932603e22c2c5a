import { Secret } from "./secret.ts";

/**
 * Sealing of single column values: AES-256-GCM (NIST SP 800-38D) under a subkey derived by HKDF-SHA-256
 * (RFC 5869) from the master key for one purpose. Layout: version (1 byte) | nonce (12) | ciphertext | tag (16).
 */
export type KeyPurpose =
  | "wireguard-preshared-key"
  | "peer-delivery"
  | "receipt-signing"
  | "login-identifier"
  | "mail"
  | "login-challenge"
  | "mfa-secret"
  | "mfa-recovery-code"
  | "key-id"
  | "wgd-snapshot";

const version = 1;
const nonceLength = 12;
const encoder = new TextEncoder();

/** Thrown when a sealed value was altered, moved to another row, or sealed under another key. */
export class SealError extends Error {
  override name = "SealError";
}

/**
 * The subkey of one purpose. Whoever holds it can open values of that purpose and no others.
 * @param master 32 bytes
 */
export async function deriveSubkey(
  master: Secret<Uint8Array<ArrayBuffer>>,
  purpose: KeyPurpose,
): Promise<Secret<Uint8Array<ArrayBuffer>>> {
  const key = await crypto.subtle.importKey("raw", master.reveal(), "HKDF", false, ["deriveBits"]);
  const info = encoder.encode(`massacorp/v1/${purpose}`);
  const bits = await crypto.subtle.deriveBits(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(32), info },
    key,
    256,
  );
  return new Secret(new Uint8Array(bits));
}

export interface Sealer {
  /** @param row what the value belongs to; opening with another row fails */
  seal(value: Uint8Array<ArrayBuffer>, row: string): Promise<Uint8Array<ArrayBuffer>>;
  /** @throws {SealError} */
  open(sealed: Uint8Array, row: string): Promise<Uint8Array<ArrayBuffer>>;
}

/** @param subkey 32 bytes from {@link deriveSubkey} */
export async function createSealer(subkey: Secret<Uint8Array<ArrayBuffer>>): Promise<Sealer> {
  const key = await crypto.subtle.importKey("raw", subkey.reveal(), "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  const algorithm = (iv: Uint8Array<ArrayBuffer>, row: string) => ({
    name: "AES-GCM",
    iv,
    additionalData: encoder.encode(row),
  });
  return {
    async seal(value, row) {
      const nonce = crypto.getRandomValues(new Uint8Array(nonceLength));
      const encrypted = await crypto.subtle.encrypt(algorithm(nonce, row), key, value);
      const sealed = new Uint8Array(1 + nonceLength + encrypted.byteLength);
      sealed[0] = version;
      sealed.set(nonce, 1);
      sealed.set(new Uint8Array(encrypted), 1 + nonceLength);
      return sealed;
    },
    async open(sealed, row) {
      if (sealed[0] !== version) throw new SealError("the sealed value has an unknown version");
      const nonce = sealed.slice(1, 1 + nonceLength);
      const encrypted = sealed.slice(1 + nonceLength);
      try {
        return new Uint8Array(await crypto.subtle.decrypt(algorithm(nonce, row), key, encrypted));
      } catch {
        throw new SealError("the sealed value does not open under this key for this row");
      }
    },
  };
}

/** The row identity a peer's preshared key is bound to. */
export function presharedKeyRow(
  peer: { tenantId: number; peerId: string; publicKey: string },
): string {
  return `wg_peers/${peer.tenantId}/${peer.peerId}/${peer.publicKey}`;
}
