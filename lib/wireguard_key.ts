import { generateKeyPairSync } from "node:crypto";
import { Secret } from "./secret.ts";

/** A WireGuard key on the wire: the canonical base64 of 32 bytes (43 characters and one `=`). */
const keyPattern = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** True for text that `wg` accepts as a key and that re-encodes to itself. */
export function isWireGuardKey(text: string): boolean {
  return keyPattern.test(text);
}

/** A key pair for X25519 (RFC 7748) in the base64 form of wg(8). */
export interface KeyPair {
  readonly publicKey: string;
  readonly privateKey: Secret<string>;
}

/** A key as wg(8) writes it: base64. @param bytes 32 of them */
export function encodeKey(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** @param text a key, looked at before by {@link isWireGuardKey} */
export function decodeKey(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function base64urlToBase64(text: string): string {
  return text.replaceAll("-", "+").replaceAll("_", "/").padEnd(44, "=");
}

/** Makes a key pair with the platform's X25519: Node's interface to it takes a sixth of Web Crypto's time. */
export function generateKeyPair(): Promise<KeyPair> {
  return new Promise((resolve) => {
    const jwk = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
    if (!jwk.d || !jwk.x) {
      throw new TypeError("the platform exported an X25519 key without its parts");
    }
    resolve({
      publicKey: base64urlToBase64(jwk.x),
      privateKey: new Secret(base64urlToBase64(jwk.d)),
    });
  });
}

/**
 * The public key of a private one.
 * @param privateKey canonical base64 of 32 bytes, clamped or not (RFC 7748 clamps on use)
 */
export async function publicKeyOf(privateKey: Secret<string>): Promise<string> {
  // PKCS#8 wraps the 32 raw bytes behind this fixed prefix (RFC 8410, section 7).
  const prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20];
  const pkcs8 = new Uint8Array([...prefix, ...decodeKey(privateKey.reveal())]);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, { name: "X25519" }, true, [
    "deriveBits",
  ]);
  const jwk = await crypto.subtle.exportKey("jwk", key);
  if (!jwk.x) throw new TypeError("the platform exported an X25519 key without its public part");
  return base64urlToBase64(jwk.x);
}

/** 32 random bytes in base64: a WireGuard preshared key. */
export function generatePresharedKey(): Secret<string> {
  return new Secret(encodeKey(crypto.getRandomValues(new Uint8Array(32))));
}
