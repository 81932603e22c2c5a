import { generateSync, generateURI, verifySync } from "otplib";

/** RFC 6238 as authenticator apps know it: HMAC-SHA-1, six digits, a step of 30 s counted from the Unix epoch. */
const digits = 6;
const stepSeconds = 30;

/** 160 bits (RFC 4226, R6). */
const secretBytes = 20;

/** A secret for an authenticator app, of the system's randomness. */
export function newTotpSecret(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(secretBytes));
}

/**
 * The time step whose code this is: the present one, the one before or the one after (RFC 6238, 5.2).
 * @param code six digits
 * @param at milliseconds since the Unix epoch
 */
export function findTotpStep(
  secret: Uint8Array,
  code: string,
  at: number,
): number | undefined {
  const epoch = Math.floor(at / 1000);
  const found = verifySync({
    strategy: "totp",
    secret,
    token: code,
    epoch,
    epochTolerance: stepSeconds,
    period: stepSeconds,
    digits,
  });
  return found.valid ? Math.floor(epoch / stepSeconds) + found.delta : undefined;
}

/**
 * A code as an app shows it.
 * @param options.digits with `algorithm` for the vectors of the RFC, which have more than apps do
 */
export function totpCode(
  secret: Uint8Array,
  at: number,
  options: { digits?: 6 | 8; algorithm?: "sha1" | "sha256" | "sha512" } = {},
): string {
  return generateSync({
    strategy: "totp",
    secret,
    epoch: Math.floor(at / 1000),
    period: stepSeconds,
    digits,
    ...options,
  });
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Base32 (RFC 4648) without padding, as it is typed into an app; 20 bytes are 32 characters exactly. */
export function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[parseInt(five, 2)]).join("");
}

/** What an app's QR code says. */
export function otpauthUri(
  secret: Uint8Array,
  who: { tenantSlug: string; email: string },
): string {
  return generateURI({
    issuer: `MassaCorp ${who.tenantSlug}`,
    // An app takes what stands before the first colon for the issuer.
    label: who.email.replaceAll(":", "."),
    secret: base32(secret),
  });
}
