import type { Letter } from "../../api/mail/mod.ts";
import type { RequestOptions, TestApi } from "./api.ts";
import { tokenIn } from "./mails.ts";

/** Fields that hold what must be found nowhere, by their names in requests and answers. */
export const secretField =
  /^(password|(current|new)_password|token|(access|refresh|mfa_session|mfa_setup)_token|trusted_device|secret|otpauth_uri|recovery_codes|key|preshared_key|config|link)$/;
/** The same in requests alone: in an answer it is a code of something else. */
const secretInput = /^code$/;

/** An API whose secrets, taken and handed out, are noted as they pass. */
export interface SecretWatch {
  api: TestApi;
  /** Each with the operation and field that it was seen in. */
  secrets: Map<string, string>;
  /** Operations that succeeded, and fields of theirs that held a secret. */
  seen: Set<string>;
  noteMails(mails: readonly Letter[]): void;
}

/** @param templates of the OpenAPI document, to name operations by */
export function watchSecrets(real: TestApi, templates: readonly string[]): SecretWatch {
  const secrets = new Map<string, string>();
  const seen = new Set<string>();
  const patterns = templates.map((template) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+")}/?$`),
  }));
  const nameOf = (method: string, path: string) => {
    const bare = path.split("?")[0] ?? path;
    const found = patterns.find(({ template }) => template === bare) ??
      patterns.find(({ pattern }) => pattern.test(bare));
    return `${method} ${found?.template ?? bare}`;
  };
  const note = (text: string, where: string) => {
    for (const secret of secretsIn(text)) {
      if (!secrets.has(secret)) secrets.set(secret, where);
    }
  };
  function walk(value: unknown, where: string, field: RegExp, isSecret = false): void {
    if (typeof value === "string" && isSecret) {
      seen.add(where);
      note(value, where);
    } else if (Array.isArray(value)) {
      for (const each of value) walk(each, where, field, isSecret);
    } else if (value !== null && typeof value === "object") {
      for (const [name, each] of Object.entries(value)) {
        const isOne = secretField.test(name) || field.test(name);
        walk(each, `${where.split(": ")[0]}: ${name}`, field, isOne);
      }
    }
  }
  const request: TestApi["request"] = async (path, options: RequestOptions = {}) => {
    const method = options.method ?? (options.body === undefined ? "GET" : "POST");
    const name = nameOf(method, path);
    walk(options.body, `${name} takes`, secretInput);
    const reply = await real.request(path, options);
    if (reply.status < 300) {
      seen.add(name);
      walk(reply.body, `${name} answers`, /^$/);
    }
    return reply;
  };
  return {
    // The real one is disposed of by who made it.
    api: { ...real, request, [Symbol.asyncDispose]: () => Promise.resolve() },
    secrets,
    seen,
    noteMails(mails) {
      for (const mail of mails) {
        if ("link" in mail.data) note(tokenIn(mail), `mail ${mail.template}`);
        if ("confFile" in mail.data) note(String(mail.data.confFile), `mail ${mail.template}`);
      }
    },
  };
}

/** What is secret of the value of a secret field: of a file its keys, of a token what proves it. */
export function secretsIn(text: string): string[] {
  const lines = [...text.matchAll(/^(?:PrivateKey|PresharedKey) = (.*)$/gm)];
  if (text.includes("[Interface]")) return lines.map(([, key]) => key ?? "");
  if (text.startsWith("otpauth:")) return [new URL(text).searchParams.get("secret") ?? text];
  if (/^https?:/.test(text)) {
    return [new URLSearchParams(new URL(text).hash.slice(1)).get("token") ?? text];
  }
  if (/^mc_[^_]+_/.test(text)) return [text, text.replace(/^mc_[^_]+_/, "")];
  const signature = /^eyJ[\w-]+\.[\w-]+\.([\w-]+)$/.exec(text)?.[1];
  return signature === undefined ? [text] : [text, signature];
}

const base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The bytes that a text may be the spelling of. */
function decoded(text: string): Uint8Array[] {
  const found: Uint8Array[] = [];
  const plain = text.replaceAll("-", "");
  if (/^[0-9a-f]+$/i.test(plain) && plain.length % 2 === 0) found.push(Uint8Array.fromHex(plain));
  if (/^[A-Z2-7]+$/.test(text)) {
    const bits = [...text].map((char) => base32.indexOf(char).toString(2).padStart(5, "0")).join(
      "",
    );
    const bytes = bits.match(/.{8}/g) ?? [];
    found.push(new Uint8Array(bytes.map((byte) => parseInt(byte, 2))));
  }
  for (const alphabet of ["base64", "base64url"] as const) {
    try {
      found.push(Uint8Array.fromBase64(text, { alphabet }));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return found.filter((bytes) => bytes.length >= 10);
}

/**
 * Every way in which a secret could lie somewhere as it is: as text, as the bytes that it spells, and both in hex
 * and base64. Of what can be guessed, a plain digest gives it away as well.
 */
export async function spellings(secret: string): Promise<string[]> {
  const text = new TextEncoder().encode(secret);
  const all = [text, ...decoded(secret)].flatMap((bytes) => [
    bytes.toHex(),
    bytes.toBase64({ omitPadding: true }),
    bytes.toBase64({ alphabet: "base64url", omitPadding: true }),
  ]);
  const guessable = secret.length < 40;
  for (
    const bytes of guessable ? [text, new TextEncoder().encode(secret.replaceAll("-", ""))] : []
  ) {
    for (const name of ["SHA-1", "SHA-256", "SHA-512"]) {
      const digest = new Uint8Array(await crypto.subtle.digest(name, bytes));
      all.push(digest.toHex(), digest.toBase64({ omitPadding: true }));
    }
  }
  return [secret, ...all];
}

/**
 * The secrets that a text has in any spelling.
 * @returns where each comes from, and how it was written
 */
export async function findSecrets(
  text: string,
  secrets: ReadonlyMap<string, string>,
): Promise<string[]> {
  const found: string[] = [];
  for (const [secret, where] of secrets) {
    for (const [n, spelling] of (await spellings(secret)).entries()) {
      // Six digits stand in many a number: not as a part of one, of a time or of an id.
      const has = /^\d+$/.test(spelling)
        ? new RegExp(`(?<![\\w.-])${spelling}(?![\\w-])`).test(text)
        : text.includes(spelling);
      if (has) found.push(`${where}, spelling ${n}`);
    }
  }
  return found;
}

/** What a text has in hex or base64, as text. */
export function unfolded(text: string): string {
  const latin1 = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
  const hex = [...text.matchAll(/(?<![0-9a-f])(?:[0-9a-f]{2}){8,}(?![0-9a-f])/g)]
    .map(([run]) => latin1(Uint8Array.fromHex(run)));
  const base64 = [...text.matchAll(/[A-Za-z0-9+/_-]{12,}/g)].map(([run]) => {
    const whole = run.replaceAll("-", "+").replaceAll("_", "/");
    // A last group of one is no byte: what stands before it is.
    return latin1(Uint8Array.fromBase64(whole.slice(0, whole.length - whole.length % 4)));
  });
  return [...hex, ...base64].join("\n");
}
