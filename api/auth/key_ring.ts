import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { errors, importJWK, type JWK, type JWTHeaderParameters, type KeyObject } from "jose";
import { z } from "zod";
import type { Secret } from "../../lib/secret.ts";

export const jwtAlgorithms = ["HS256", "RS256", "ES256", "EdDSA"] as const;
export type JwtAlgorithm = typeof jwtAlgorithms[number];

const base64url = z.string().regex(/^[A-Za-z0-9_-]+$/, "must be base64url");
const named = {
  kid: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 of A-Z a-z 0-9 _ -"),
  use: z.literal("sig").exactOptional(),
};
/** Bytes that a base64url text stands for. */
const bytesOf = (text: string) => Math.floor(text.length * 3 / 4);

/** The keys that tokens are signed with (RFC 7517, RFC 8037); a private part where there is one. */
const jwk = z.discriminatedUnion("alg", [
  z.strictObject({
    ...named,
    kty: z.literal("oct"),
    alg: z.literal("HS256"),
    k: base64url.refine((k) => bytesOf(k) >= 32, "must have at least 32 bytes"),
  }),
  z.strictObject({
    ...named,
    kty: z.literal("RSA"),
    alg: z.literal("RS256"),
    n: base64url.refine((n) => bytesOf(n) >= 256, "must have at least 2048 bits"),
    e: base64url,
    d: base64url.exactOptional(),
    p: base64url.exactOptional(),
    q: base64url.exactOptional(),
    dp: base64url.exactOptional(),
    dq: base64url.exactOptional(),
    qi: base64url.exactOptional(),
  }),
  z.strictObject({
    ...named,
    kty: z.literal("EC"),
    alg: z.literal("ES256"),
    crv: z.literal("P-256"),
    x: base64url,
    y: base64url,
    d: base64url.exactOptional(),
  }),
  z.strictObject({
    ...named,
    kty: z.literal("OKP"),
    alg: z.literal("EdDSA"),
    crv: z.literal("Ed25519"),
    x: base64url,
    d: base64url.exactOptional(),
  }),
]);
export type Jwk = z.infer<typeof jwk>;

/** A ring of keys: the first signs, all of them verify. */
export const jwkSet = z.strictObject({ keys: z.array(jwk).min(1).max(16) })
  .refine(({ keys }) => new Set(keys.map(({ kid }) => kid)).size === keys.length, {
    message: "two keys have the same kid",
  })
  .refine(({ keys: [first] }) => first && isPrivate(first), {
    message: "the first key signs, and has no private part",
  });

function isPrivate(key: Jwk): boolean {
  return key.alg === "HS256" || ("d" in key && key.d !== undefined);
}

/** What a verifier may know of a key; undefined for one that both sides share. */
function publicPart(key: Jwk): Record<string, string> | undefined {
  const { kid, alg, kty } = key;
  const common = { kid, alg, kty, use: "sig" };
  switch (key.alg) {
    case "HS256":
      return undefined;
    case "RS256":
      return { ...common, n: key.n, e: key.e };
    case "ES256":
      return { ...common, crv: key.crv, x: key.x, y: key.y };
    case "EdDSA":
      return { ...common, crv: key.crv, x: key.x };
  }
}

interface RingKey {
  kid: string;
  algorithm: JwtAlgorithm;
  /** By the shape alone: the library's name for a Web Crypto key is nothing where other types are loaded as well. */
  key: KeyObject;
  /** Of a shared secret: HMAC with SHA-256 of a text, in base64url, at once. */
  hmac?: (text: string) => string;
}

export interface KeyRing {
  readonly signing: RingKey;
  readonly algorithms: readonly JwtAlgorithm[];
  /**
   * The key that a header names, for the algorithm that this key is for and no other (RFC 8725, 3.1).
   * @throws {errors.JWSSignatureVerificationFailed}
   */
  verifying(header: JWTHeaderParameters): KeyObject;
  /** The public keys, for `/.well-known/jwks.json`; empty where every key is a shared secret. */
  readonly published: readonly Record<string, string>[];
}

/** @throws {TypeError} for a key that is none, such as a point that is not on its curve */
export async function createKeyRing(keys: readonly Jwk[]): Promise<KeyRing> {
  const [first] = keys;
  if (!first) throw new TypeError("a ring without a key");
  const load = async (key: Jwk, part: JWK): Promise<RingKey> => ({
    kid: key.kid,
    algorithm: key.alg,
    key: await importKey(key, part),
    ...(key.alg === "HS256" ? { hmac: hmacBy(key.k) } : {}),
  });
  const signing = await load(first, first);
  const verifying = new Map<string, RingKey>();
  for (const key of keys) verifying.set(key.kid, await load(key, publicPart(key) ?? key));
  return {
    signing,
    algorithms: [...new Set(keys.map((key) => key.alg))],
    verifying({ kid, alg }) {
      const found = kid === undefined ? undefined : verifying.get(kid);
      if (!found || found.algorithm !== alg) throw new errors.JWSSignatureVerificationFailed();
      return found.key;
    },
    published: keys.map(publicPart).filter((key) => key !== undefined),
  };
}

/** Once: the library would import a shared secret anew for each token. */
async function importKey(key: Jwk, part: JWK): Promise<KeyObject> {
  const imported = await importJWK(part, key.alg);
  if (!(imported instanceof Uint8Array)) return imported;
  return await crypto.subtle.importKey(
    "raw",
    new Uint8Array(imported),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign", "verify"],
  );
}

function hmacBy(secret: string): (text: string) => string {
  const bytes = Uint8Array.fromBase64(secret, { alphabet: "base64url" });
  const encoder = new TextEncoder();
  // The key's part of it is the same each time.
  const keyed = hmac.create(sha256, bytes);
  return (text) =>
    keyed.clone().update(encoder.encode(text)).digest().toBase64({
      alphabet: "base64url",
      omitPadding: true,
    });
}

/** The ring of one shared secret; its kid tells nothing that a token does not tell. */
export async function ringOfSecret(secret: Secret<string>): Promise<Jwk[]> {
  const bytes = new TextEncoder().encode(secret.reveal());
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const kid = new Uint8Array(await crypto.subtle.digest("SHA-256", digest)).toHex().slice(0, 16);
  return [{
    kty: "oct",
    alg: "HS256",
    kid,
    k: bytes.toBase64({ alphabet: "base64url", omitPadding: true }),
  }];
}
