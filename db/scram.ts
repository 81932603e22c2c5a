import { createHmac } from "../lib/hmac.ts";
import { Secret } from "../lib/secret.ts";

/**
 * What a server keeps of a password and takes in place of it, `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`
 * of RFC 5802 and 5803, as psql's \password makes it: so none gets into a statement, nor into the server's log.
 * @param password in ASCII, as ours are
 */
export async function scramVerifier(
  password: Secret<string>,
  { salt = crypto.getRandomValues(new Uint8Array(16)), iterations = 4096 } = {},
): Promise<string> {
  const bytes = new TextEncoder().encode(password.reveal());
  const base = await crypto.subtle.importKey("raw", bytes, "PBKDF2", false, ["deriveBits"]);
  const salted = await crypto.subtle.deriveBits(
    { name: "PBKDF2", hash: "SHA-256", salt, iterations },
    base,
    256,
  );
  const hmac = await createHmac(new Secret(new Uint8Array(salted)));
  const stored = await crypto.subtle.digest("SHA-256", await hmac("Client Key"));
  const keys = [new Uint8Array(stored), await hmac("Server Key")].map((key) => key.toBase64());
  return `SCRAM-SHA-256$${iterations}:${salt.toBase64()}$${keys.join(":")}`;
}
