import assert from "node:assert/strict";
import { type Jwk, jwkSet, type JwtAlgorithm } from "../../api/auth/key_ring.ts";

/** Known attacks on JSON Web Tokens, on every algorithm that a ring may have; RFC 8725 and the CVEs name them. */

const encode = (value: unknown): string =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value))
    .toBase64({ alphabet: "base64url", omitPadding: true });
const base64url = (bytes: Uint8Array): string =>
  bytes.toBase64({ alphabet: "base64url", omitPadding: true });

type Sign = (data: string) => Promise<Uint8Array<ArrayBuffer>>;

const parameters = {
  HS256: { name: "HMAC", hash: "SHA-256" },
  RS256: {
    name: "RSASSA-PKCS1-v1_5",
    hash: "SHA-256",
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
  EdDSA: { name: "Ed25519" },
} as const satisfies Record<JwtAlgorithm, unknown>;

const signWith = (alg: JwtAlgorithm, key: CryptoKey): Sign => async (data) =>
  new Uint8Array(await crypto.subtle.sign(parameters[alg], key, new TextEncoder().encode(data)));

interface Made {
  jwk: Jwk;
  sign: Sign;
  /** The public key in every shape that could be taken for a shared secret. */
  shown: Record<string, Uint8Array<ArrayBuffer>>;
}

/** A key of a ring, and what an attacker may have seen of it. */
export async function makeKey(alg: JwtAlgorithm, kid: string): Promise<Made> {
  const made = await crypto.subtle.generateKey(parameters[alg], true, ["sign", "verify"]);
  const secret = "privateKey" in made ? made.privateKey : made;
  const exported = await crypto.subtle.exportKey("jwk", secret);
  const { kty, k, n, e, d, p, q, dp, dq, qi, crv, x, y } = exported;
  const parts = { kty, k, n, e, d, p, q, dp, dq, qi, crv, x, y, alg, kid };
  const given = Object.fromEntries(Object.entries(parts).filter(([, part]) => part !== undefined));
  const [jwk] = jwkSet.parse({ keys: [given] }).keys;
  assert(jwk);
  const shown: Made["shown"] = {};
  if ("publicKey" in made) {
    const der = new Uint8Array(await crypto.subtle.exportKey("spki", made.publicKey));
    const lines = der.toBase64().match(/.{1,64}/g)?.join("\n");
    const pem = `-----BEGIN PUBLIC KEY-----\n${lines}\n-----END PUBLIC KEY-----`;
    const text = (value: string) => new TextEncoder().encode(value);
    Object.assign(shown, {
      "DER": der,
      "PEM": text(pem),
      "PEM with a line feed": text(`${pem}\n`),
      "JWK": text(JSON.stringify(await crypto.subtle.exportKey("jwk", made.publicKey))),
      "modulus or x": text(String(n ?? x)),
    });
  }
  return { jwk, sign: signWith(alg, secret), shown };
}

const hmacWith = async (key: Uint8Array<ArrayBuffer>): Promise<Sign> =>
  signWith(
    "HS256",
    await crypto.subtle.importKey("raw", key, parameters.HS256, false, ["sign"]),
  );

export async function compact(header: unknown, payload: unknown, sign: Sign): Promise<string> {
  const data = `${encode(header)}.${encode(payload)}`;
  return `${data}.${base64url(await sign(data))}`;
}

/** The same claims, one of them twice: which counts depends on who reads. */
const twice = (claims: Record<string, unknown>, name: string, value: unknown) =>
  `{"${name}":${JSON.stringify(value)},${JSON.stringify(claims).slice(1)}`;

interface Target {
  alg: JwtAlgorithm;
  kid: string;
  claims: Record<string, unknown>;
  good: string;
  /** Signs as the target does, for what only its own key could have made. */
  sign: Sign;
  shown: Made["shown"];
  now: number;
}

/** What nobody without the key can make, and what the holder of a key must not have made for us. */
export async function attacks(target: Target): Promise<Record<string, string>> {
  const { alg, kid, claims, good, sign, shown, now } = target;
  const [header = "", payload = "", signature = ""] = good.split(".");
  const ours = { alg, kid, typ: "JWT" };
  const richer = encode({ ...claims, sub: "999", tenant_id: 999 });
  const mallory = await makeKey(alg === "HS256" ? "RS256" : alg, "mallory");
  const { d: _d, ...malloryPublic } = { d: undefined, ...mallory.jwk };
  const by = (extra: Record<string, unknown>) =>
    compact({ ...ours, ...extra }, claims, mallory.sign);
  const unsigned = (header: Record<string, unknown>, end = "") =>
    `${encode({ kid, typ: "JWT", ...header })}.${payload}.${end}`;
  const bytes = Uint8Array.fromBase64(signature, { alphabet: "base64url" });
  const flipped = bytes.with(0, (bytes[0] ?? 0) ^ 1);
  const empty = await hmacWith(new Uint8Array([0]));
  const found: Record<string, string> = {
    // CVE-2015-9235, CVE-2022-23540: no algorithm.
    "alg none": unsigned({ alg: "none" }),
    "alg None": unsigned({ alg: "None" }),
    "alg NONE": unsigned({ alg: "NONE" }),
    "alg nOnE": unsigned({ alg: "nOnE" }),
    "alg none with a signature": unsigned({ alg: "none" }, signature),
    "alg empty": unsigned({ alg: "" }, signature),
    "alg null": unsigned({ alg: null }, signature),
    "alg a list": unsigned({ alg: [alg] }, signature),
    "alg missing": unsigned({}, signature),
    "alg twice": `${encode(twice(ours, "alg", "none"))}.${payload}.${signature}`,
    "no signature": `${header}.${payload}.`,
    "no signature and no dot": `${header}.${payload}`,
    // CVE-2016-10555 and its kin: a key for another algorithm than its own.
    ...Object.fromEntries(
      await Promise.all(
        ([
          "HS256",
          "HS384",
          "RS256",
          "RS384",
          "PS256",
          "ES256",
          "ES384",
          "EdDSA",
          "A128KW",
        ] as const)
          .filter((other) => other !== alg)
          .map(async (
            other,
          ) => [`alg ${other}`, await compact({ ...ours, alg: other }, claims, sign)]),
      ),
    ),
    // CVE-2018-0114: a key that the token brings along, or says where to find.
    "a jwk in the header": await by({ jwk: malloryPublic }),
    "its own kid and jwk": await by({ kid: "mallory", jwk: malloryPublic }),
    "a jku": await by({ jku: "http://127.0.0.1:1/keys.json" }),
    "an x5u": await by({ x5u: "http://127.0.0.1:1/cert.pem" }),
    "an x5c": await by({ x5c: ["MIIBszCCARygAwIBAgIUJ2Rq"] }),
    // A kid that is a path, a query, a prototype or a command.
    "kid a path": await compact(
      { ...ours, alg: "HS256", kid: "../../../../dev/null" },
      claims,
      empty,
    ),
    "kid a URL": await by({ kid: "http://127.0.0.1:1/key" }),
    "kid SQL": await by({ kid: "' union select 'key' --" }),
    "kid a command": await by({ kid: "$(id)|id" }),
    "kid __proto__": await by({ kid: "__proto__" }),
    "kid constructor": await by({ kid: "constructor" }),
    "kid empty": await by({ kid: "" }),
    "kid a number": await by({ kid: 0 }),
    "kid a list": await by({ kid: [kid] }),
    "kid null": await by({ kid: null }),
    "kid of nobody's": await by({ kid: "mallory" }),
    "no kid": await compact({ alg, typ: "JWT" }, claims, sign),
    // Extensions that must be understood (RFC 7515, RFC 7797, CVE-2025-59420).
    "crit unknown": await compact({ ...ours, crit: ["x"], x: 1 }, claims, sign),
    "crit empty": await compact({ ...ours, crit: [] }, claims, sign),
    "crit exp": await compact({ ...ours, crit: ["exp"], exp: 1 }, claims, sign),
    "b64 false": await compact({ ...ours, b64: false, crit: ["b64"] }, claims, sign),
    // Signatures.
    "another's signature": await by({}),
    "a changed signature": `${header}.${payload}.${base64url(flipped)}`,
    "a cut signature": `${header}.${payload}.${base64url(bytes.slice(0, -1))}`,
    "a longer signature": `${header}.${payload}.${base64url(new Uint8Array([...bytes, 0]))}`,
    "a signature of zeros (CVE-2022-21449)": `${header}.${payload}.${
      base64url(new Uint8Array(bytes.length))
    }`,
    "a signature of ones": `${header}.${payload}.${
      base64url(new Uint8Array(bytes.length).fill(255))
    }`,
    "changed claims": `${header}.${richer}.${signature}`,
    "swapped parts": `${payload}.${header}.${signature}`,
    "a claim twice": `${header}.${encode(twice(claims, "sub", "1"))}.${signature}`,
    // What stands around it (CVE-2022-39227: several forms in one text).
    "JSON form": JSON.stringify({ protected: header, payload, signature }),
    "JSON form of many": JSON.stringify({
      payload,
      signatures: [{ protected: header, signature }],
    }),
    "white space before": ` ${good}`,
    "white space after": `${good} `,
    "a line feed after": `${good}\n`,
    "white space inside": `${header}.${payload}. ${signature}`,
    "a NUL after": `${good}\0`,
    "padding": `${good}==`,
    "standard base64": `${header}.${payload}.+/${signature.slice(2)}`,
    "a fourth part": `${good}.${signature}`,
    "another token behind": `${good}${good}`,
    "a comma and another": `${good},${good}`,
    "an empty header": `.${payload}.${signature}`,
    "an encrypted token (JWE)": `${
      encode({ alg: "dir", enc: "A128GCM", kid })
    }..${payload}.${payload}.e30`,
    "a token in a token": await compact({ ...ours, cty: "JWT" }, good, sign),
    "a header of a megabyte": `${
      encode({ ...ours, x: "x".repeat(2 ** 20) })
    }.${payload}.${signature}`,
    "claims of a megabyte": await compact(ours, { ...claims, x: "x".repeat(2 ** 20) }, sign),
    "deep claims": `${header}.${encode("[".repeat(1000))}.${signature}`,
    "claims that are no object": await compact(ours, "[]", sign),
    // Types.
    "typ at+jwt": await compact({ ...ours, typ: "at+jwt" }, claims, sign),
    "typ missing": await compact({ alg, kid }, claims, sign),
    "type refresh": await compact(ours, { ...claims, type: "refresh" }, sign),
    "type mfa_session": await compact(ours, { ...claims, type: "mfa_session" }, sign),
    "type missing": await compact(ours, { ...claims, type: undefined }, sign),
    "type a list": await compact(ours, { ...claims, type: ["access"] }, sign),
    // Issuer, audience, times.
    "another issuer": await compact(ours, { ...claims, iss: "elsewhere" }, sign),
    "issuer a list": await compact(ours, { ...claims, iss: [claims["iss"]] }, sign),
    "no issuer": await compact(ours, { ...claims, iss: undefined }, sign),
    "another audience": await compact(ours, { ...claims, aud: "elsewhere" }, sign),
    "no audience": await compact(ours, { ...claims, aud: undefined }, sign),
    "audience within a longer one": await compact(
      ours,
      { ...claims, aud: `${claims["aud"]}2` },
      sign,
    ),
    "expired": await compact(ours, { ...claims, exp: now - 1 }, sign),
    "expires now": await compact(ours, { ...claims, exp: now }, sign),
    "never expires": await compact(ours, { ...claims, exp: undefined }, sign),
    "expiry in words": await compact(ours, { ...claims, exp: "tomorrow" }, sign),
    "expiry null": await compact(ours, { ...claims, exp: null }, sign),
    "not before later": await compact(ours, { ...claims, nbf: now + 60 }, sign),
    "issued in the future": await compact(ours, { ...claims, iat: now + 3600 }, sign),
    "never issued": await compact(ours, { ...claims, iat: undefined }, sign),
    // Claims that could be taken for others.
    "subject SQL": await compact(ours, { ...claims, sub: "1 or 1=1" }, sign),
    "subject a number": await compact(ours, { ...claims, sub: 1 }, sign),
    "tenant in words": await compact(ours, { ...claims, tenant_id: "3" }, sign),
    "tenant a list": await compact(ours, { ...claims, tenant_id: [3] }, sign),
    "session a path": await compact(ours, { ...claims, sid: "../../etc/passwd" }, sign),
  };
  for (const [shape, key] of Object.entries(shown)) {
    for (const named of ["HS256", "HS384", "HS512"]) {
      found[`${named} with the public key as ${shape}`] = await compact(
        { ...ours, alg: named },
        claims,
        await hmacWith(key),
      );
    }
  }
  return found;
}

/** The token with another signature: its first character stands for six of its bits, whatever they were. */
export function resigned(token: string): string {
  const at = token.lastIndexOf(".") + 1;
  return `${token.slice(0, at)}${token[at] === "A" ? "B" : "A"}${token.slice(at + 1)}`;
}

export const claimsAt = (now: number, sid: string) => ({
  sub: "7",
  tenant_id: 3,
  email: "ada@acme.example",
  sid,
  type: "access",
  jti: "x",
  iss: "massacorp",
  aud: "massacorp",
  iat: now,
  exp: now + 60,
});
