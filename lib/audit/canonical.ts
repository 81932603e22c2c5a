import { createHash } from "node:crypto";

/** A number as it was written; a double would round what lies between two of them. */
class Literal {
  constructor(readonly source: string) {}
}

/** What has a canonical form. */
export type Canonical =
  | string
  | number
  | boolean
  | null
  | readonly Canonical[]
  | { readonly [name: string]: Canonical };

/**
 * The one text of a JSON value (RFC 8785, JCS): no white space, the names of an object in the order of their
 * UTF-16 code units.
 */
export function canonicalJson(value: Canonical): string {
  return write(value);
}

/**
 * The canonical form of a JSON text. It differs from RFC 8785 in one point: a number stays as it is written,
 * so that no digit of it can be changed unseen.
 *
 * @throws {SyntaxError} when it is no JSON
 */
export function canonicalText(json: string): string {
  const literal = (_name: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" ? new Literal(context?.source ?? String(value)) : value;
  return write(JSON.parse(json, literal));
}

function write(value: unknown): string {
  if (value instanceof Literal) return value.source;
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).toSorted(([a], [b]) => a < b ? -1 : 1);
    return `{${members.map(([name, of]) => `${JSON.stringify(name)}:${write(of)}`).join(",")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new TypeError("is no JSON number");
  }
  return JSON.stringify(value);
}

/** SHA-256 of a text in UTF-8, in hex. */
export function sha256Hex(text: string): string {
  // The runtime's own: ten times as fast as one in JavaScript, and a verification does millions.
  return createHash("sha256").update(text, "utf8").digest("hex");
}
