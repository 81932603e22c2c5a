import type { Context } from "hono";
import { createMiddleware } from "hono/factory";
import { createPatience } from "../../lib/patience.ts";
import type { AppEnv } from "../context.ts";
import { ApiError, type FieldError } from "../errors.ts";

export const maxBodyBytes = 1024 * 1024;

/** How long a body may take to arrive, whoever sends it byte by byte. */
const bodyPatienceMs = 15_000;

/** Refuses a body that announces more than 1 MiB before anything of it is read; others are counted as they come. */
export const limitBody = createMiddleware<AppEnv>((c, next) => {
  if (Number(c.req.header("content-length") ?? 0) > maxBodyBytes) {
    throw new ApiError("body_too_large");
  }
  return next();
});

/** Lets only well-formed JSON in UTF-8 (RFC 8259, section 8.1) reach the schemas. */
export const jsonBody = createMiddleware<AppEnv>(async (c, next) => {
  if (c.req.method === "GET" || c.req.method === "HEAD" || c.req.method === "OPTIONS") {
    return next();
  }
  const bytes = c.req.raw.body ? await readBody(c.req.raw.body) : new Uint8Array();
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
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError("malformed_json");
  }
  const fault = unstorableText(body);
  if (fault) throw new ApiError("invalid_input", { errors: [fault] });
  keepText(c, text);
  return next();
});

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
      if (size > maxBodyBytes) throw new ApiError("body_too_large");
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

/** Finds text that PostgreSQL cannot hold, as it is or in JSON; no field here has a use for such. */
function unstorableText(body: unknown): FieldError | undefined {
  // No recursion: how deep a body goes is its sender's choice.
  const rest: [path: string, value: unknown][] = [["", body]];
  for (let next = rest.pop(); next; next = rest.pop()) {
    const [path, value] = next;
    const texts = typeof value === "string" ? [value] : [];
    if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        texts.push(key);
        rest.push([path ? `${path}.${key}` : key, inner]);
      }
    }
    if (texts.some((text) => text.includes("\0"))) {
      return { path, code: "nul_character", message: "must not contain U+0000" };
    }
    if (!texts.every((text) => text.isWellFormed())) {
      return { path, code: "lone_surrogate", message: "must not contain half a surrogate pair" };
    }
  }
  return undefined;
}
