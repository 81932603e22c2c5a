import type { Context, Next } from "hono";
import { createMiddleware } from "hono/factory";
import { createPatience } from "../../lib/patience.ts";
import type { AppEnv } from "../context.ts";
import { ApiError, type FieldError } from "../errors.ts";

/** What a body may have: no single thing that is described to this API comes near it. */
export const maxBodyBytes = 64 * 1024;
/** The same for many things at once. */
export const maxBulkBytes = 1024 * 1024;

/** All others have the lower bound, paths that no operation has with them. */
const forMany = new Set([
  "/api/v1/wireguard/peers/bulk",
  "/api/v1/wireguard/policy",
  "/api/v1/wireguard/import",
]);

const mostBytes = (c: Context<AppEnv>) =>
  forMany.has(c.req.path.replace(/\/$/, "")) ? maxBulkBytes : maxBodyBytes;

/** How long a body may take to arrive, whoever sends it byte by byte. */
const bodyPatienceMs = 15_000;

/** Refuses a body that announces too much before anything of it is read; others are counted as they come. */
export const limitBody = createMiddleware<AppEnv>((c, next) => {
  const announced = c.req.header("content-length");
  if (announced !== undefined && Number(announced) > mostBytes(c)) {
    throw new ApiError("body_too_large");
  }
  return next();
});

const carriesBody = (c: Context<AppEnv>) => !["GET", "HEAD", "OPTIONS"].includes(c.req.method);

/**
 * Takes the body in, as text in UTF-8 (RFC 8259, section 8.1), and makes nothing of it: that costs more than anything
 * else that a stranger can ask for, and is for whoever is let in.
 */
export const readText = createMiddleware<AppEnv>((c, next) =>
  carriesBody(c) ? takeText(c, next) : next()
);

async function takeText(c: Context<AppEnv>, next: Next): Promise<void> {
  const bytes = c.req.raw.body ? await readBody(c.req.raw.body, mostBytes(c)) : new Uint8Array();
  if (bytes.byteLength === 0) {
    keepText(c, "");
    return next();
  }
  const [mediaType = ""] = (c.req.header("content-type") ?? "").split(";");
  if (mediaType.trim().toLowerCase() !== "application/json") {
    throw new ApiError("unsupported_media_type");
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new ApiError("invalid_encoding");
  }
  keepText(c, text);
  return next();
}

/**
 * Lets only well-formed JSON that PostgreSQL can hold reach the schemas. Every operation that takes a body spreads it
 * from access.ts, after its caller was counted and let in.
 */
export const jsonBody = createMiddleware<AppEnv>((c, next) =>
  carriesBody(c) ? checkJson(c, next) : next()
);

async function checkJson(c: Context<AppEnv>, next: Next): Promise<void> {
  const text = await c.req.text();
  if (text === "") return next();
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError("malformed_json");
  }
  // Raw, neither of the two gets here: the one is no JSON, the other no UTF-8.
  if (/\\u(?:0000|d[89a-f])/i.test(text)) {
    const fault = unstorableText(body);
    if (fault) throw new ApiError("invalid_input", { errors: [fault] });
  }
  return next();
}

/**
 * What the library reads from now on, whichever form it asks for: it makes any other from the first that is there, and
 * from any but the text by a whole answer that is streamed.
 */
function keepText(c: Context<AppEnv>, text: string): void {
  // Its type has the values where the code has promises of them.
  Object.assign(c.req.bodyCache, { text: Promise.resolve(text) });
}

const patience = createPatience(bodyPatienceMs);

/**
 * What has arrived is all that is held: `arrayBuffer()` would set aside what was announced, a megabyte for each of a
 * thousand clients who send nothing more.
 * @throws {ApiError} `body_too_large`, `request_timeout`
 */
async function readBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  mostBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  let late = false;
  const come = patience(() => {
    late = true;
    // Ends the read that is under way.
    reader.cancel().catch(() => {});
  });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (late) throw new ApiError("request_timeout");
      if (done) break;
      size += value.length;
      if (size > mostBytes) throw new ApiError("body_too_large");
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    // The caller hung up in the middle: nobody is there for an answer.
    throw error instanceof ApiError ? error : new ApiError("malformed_json", { cause: error });
  } finally {
    come();
  }
  const [first] = chunks;
  if (first && chunks.length === 1) return first;
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** A value, and how it is reached: as links, because most paths are never told. */
interface Place {
  value: unknown;
  key: string;
  in: Place | undefined;
}

/** Finds text that PostgreSQL cannot hold, as it is or in JSON; no field here has a use for such. */
function unstorableText(body: unknown): FieldError | undefined {
  // No recursion: how deep a body goes is its sender's choice.
  const rest: Place[] = [{ value: body, key: "", in: undefined }];
  for (let place = rest.pop(); place; place = rest.pop()) {
    const { value } = place;
    const texts = typeof value === "string" ? [value] : [];
    if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        if (!Array.isArray(value)) texts.push(key);
        if (typeof inner === "string" || (typeof inner === "object" && inner !== null)) {
          rest.push({ value: inner, key, in: place });
        }
      }
    }
    if (texts.some((text) => text.includes("\0"))) {
      const message = "must not contain U+0000";
      return { path: pathOf(place), code: "nul_character", message };
    }
    if (!texts.every((text) => text.isWellFormed())) {
      const message = "must not contain half a surrogate pair";
      return { path: pathOf(place), code: "lone_surrogate", message };
    }
  }
  return undefined;
}

/** Characters of a path that an answer tells: no field lies so deep. */
const maxPath = 200;

function pathOf(place: Place): string {
  const keys: string[] = [];
  for (let at: Place | undefined = place; at?.in; at = at.in) keys.push(at.key);
  return keys.reverse().slice(0, maxPath).join(".").slice(0, maxPath).toWellFormed();
}
