import { Hono } from "hono";
import { html } from "hono/html";
import type { AppEnv } from "../../context.ts";
import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { limit } from "../../middleware/limit.ts";
import { tunnel } from "../../middleware/tunnel.ts";

/** What the page loads, from the package as it was installed: nothing comes from elsewhere. */
const assets: Record<string, { file: URL; type: string }> = {
  "swagger-ui.js": {
    file: new URL("../../../node_modules/swagger-ui-dist/swagger-ui-bundle.js", import.meta.url),
    type: "text/javascript; charset=utf-8",
  },
  "swagger-ui.css": {
    file: new URL("../../../node_modules/swagger-ui-dist/swagger-ui.css", import.meta.url),
    type: "text/css; charset=utf-8",
  },
  "start.js": {
    file: new URL("./start.js", import.meta.url),
    type: "text/javascript; charset=utf-8",
  },
};

/**
 * `/docs`: the OpenAPI document to read and to try out, for who develops against the API. Where it is switched off,
 * there is no such path.
 */
export function docsFeature(deps: Deps): Hono<AppEnv> {
  const app = new Hono<AppEnv>({ strict: false });
  if (!deps.settings.docs) return app;
  app.use("/docs/*", tunnel(deps), (c, next) => limit(deps, "anonymous")(c, next));
  app.get("/docs", (c) => {
    const nonce = crypto.getRandomValues(new Uint8Array(16)).toBase64();
    c.header("Content-Security-Policy", policy(nonce));
    return c.html(page(nonce));
  });
  app.get("/docs/:name", async (c) => {
    const asset = assets[c.req.param("name")];
    if (!asset) throw new ApiError("not_found");
    const { readable } = await Deno.open(asset.file);
    return c.body(readable, 200, { "Content-Type": asset.type, "Cache-Control": "no-cache" });
  });
  return app;
}

/** What the page names runs, and it speaks with this API alone: try it out, or nothing. */
function policy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}'`,
    `style-src 'nonce-${nonce}'`,
    "connect-src 'self'",
    "img-src data:",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const page = (nonce: string) =>
  html`
    <!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="robots" content="noindex">
        <title>MassaCorp: the API</title>
        <link rel="icon" href="data:,">
        <link rel="stylesheet" href="/docs/swagger-ui.css" nonce="${nonce}">
      </head>
      <body>
        <noscript><p>This page needs JavaScript; <a href="/openapi.json">the document</a> does not.</p></noscript>
        <div id="docs"></div>
        <script src="/docs/swagger-ui.js" nonce="${nonce}"></script>
        <script src="/docs/start.js" nonce="${nonce}"></script>
      </body>
    </html>
  `;
