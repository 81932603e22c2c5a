import type { Secret } from "./secret.ts";

const encoder = new TextEncoder();

/**
 * HMAC with SHA-256 (RFC 2104) of texts under one key.
 * @param key 32 bytes
 */
export async function createHmac(
  key: Secret<Uint8Array<ArrayBuffer>>,
): Promise<(text: string) => Promise<Uint8Array<ArrayBuffer>>> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", key.reveal(), algorithm, false, ["sign"]);
  return async (text) =>
    new Uint8Array(await crypto.subtle.sign("HMAC", imported, encoder.encode(text)));
}
