import { z } from "@hono/zod-openapi";
import { Secret } from "../../lib/secret.ts";

/** What a link in a mail carries: 256 random bits in base64url, of which the database knows the digest alone. */
export interface OneTimeToken {
  text: Secret<string>;
  /** SHA-256 of the text: of 256 random bits, nothing slower is needed. */
  digest: Uint8Array;
}

/** A token as a client sends it back. */
export const oneTimeToken = z.string().regex(/^[A-Za-z0-9_-]{43}$/, "is no such token").openapi({
  example: "q0Yq1c1d3S0k5mZ8WvJxQm0N9nQmXkXo0m2VxY1b2cM",
});

/** The same where one of another form is refused as an unknown one is. */
export const broughtToken = z.string().min(1).max(200);

/** Makes one of the system's randomness. */
export async function createOneTimeToken(): Promise<OneTimeToken> {
  const text = crypto.getRandomValues(new Uint8Array(32))
    .toBase64({ alphabet: "base64url", omitPadding: true });
  return { text: new Secret(text), digest: await digestOneTimeToken(text) };
}

/** What the database knows a token by. */
export async function digestOneTimeToken(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}
