import { bodyLimit } from "hono/body-limit";
import { createMiddleware } from "hono/factory";
import type { AppEnv } from "../context.ts";
import { ApiError } from "../errors.ts";

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
  try {
    JSON.parse(text);
  } catch {
    throw new ApiError("malformed_json");
  }
  // PostgreSQL's text has no NUL, and no field here has a use for one.
  if (/\\u0000/.test(text)) {
    throw new ApiError("invalid_input", {
      errors: [{ path: "", code: "nul_character", message: "must not contain U+0000" }],
    });
  }
  return next();
});
