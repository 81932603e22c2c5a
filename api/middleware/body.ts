import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import { ApiError, type FieldError } from "../errors.ts";

export const maxBodyBytes = 1024 * 1024;

/** Refuses bodies over 1 MiB, whether they announce their length or not. */
export const limitBody = bodyLimit({
  maxSize: maxBodyBytes,
  onError: () => {
    throw new ApiError("body_too_large");
  },
});

/** Lets only well-formed JSON in UTF-8 (RFC 8259, section 8.1) reach the schemas. */
export const jsonBody = createMiddleware<AppEnv>(async (c, next) => {
  if (c.req.method === "GET" || c.req.method === "HEAD" || c.req.method === "OPTIONS") {
    return next();
  }
  const bytes = await c.req.arrayBuffer();
  if (bytes.byteLength === 0) return next();
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
  return next();
});

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
