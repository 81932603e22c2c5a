import { createMiddleware } from "hono/factory";
import { parseAccept } from "hono/utils/accept";
import type { AppEnv } from "../context.ts";

/** Below that the sums of gzip's own bytes and of the time eat up what is saved. */
export const worthCompressing = 1_000;

/**
 * What may be compressed, by name, and nothing else. Who hears an encrypted answer's length and can put text of
 * his own into it learns what else stands in it, byte by byte, if it was compressed (BREACH). So no answer with a
 * token, a code, a key, a tunnel's file or a delivery is, and no refusal: those repeat what was sent. What is
 * named here has no secret in it; a new operation is not compressed until somebody has thought of it.
 */
export const compressible: ReadonlySet<string> = new Set([
  "/openapi.json",
  "/api/v1/permissions",
  "/api/v1/roles",
  "/api/v1/users",
  "/api/v1/tenants",
  "/api/v1/audit",
  "/api/v1/audit/export",
  "/api/v1/wireguard/peers",
  "/api/v1/wireguard/me/peers",
]);

export const compress = createMiddleware<AppEnv>(async (c, next) => {
  await next();
  if (c.req.method !== "GET" || c.res.status !== 200) return;
  // Routes as they stand, so that the path says which one it was.
  const path = c.req.path.replace(/(.)\/$/, "$1");
  if (!compressible.has(path)) return;
  c.res.headers.append("Vary", "Accept-Encoding");
  if (!accepts(c.req.header("accept-encoding")) || !c.res.body) return;
  // Only an export is long enough to be sent as it comes; how long the others are is not known before.
  if (path !== "/api/v1/audit/export") {
    const bytes = await c.res.bytes();
    const whole = { status: 200, headers: c.res.headers };
    c.res = undefined;
    c.res = bytes.length > worthCompressing
      ? gzipped(new Blob([bytes]).stream(), whole.headers)
      : new Response(bytes, whole);
    return;
  }
  const { body, headers } = c.res;
  c.res = undefined;
  c.res = gzipped(body, headers);
});

function gzipped(body: ReadableStream<Uint8Array<ArrayBuffer>>, from: Headers): Response {
  const headers = new Headers(from);
  headers.set("Content-Encoding", "gzip");
  headers.delete("Content-Length");
  return new Response(body.pipeThrough(new CompressionStream("gzip")), { status: 200, headers });
}

function accepts(header: string | undefined): boolean {
  if (header === undefined) return false;
  const named = parseAccept(header);
  const gzip = named.find(({ type }) => type.toLowerCase() === "gzip") ??
    named.find(({ type }) => type === "*");
  return (gzip?.q ?? 0) > 0;
}
