import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { type Hsts, securityHeaders } from "./security_headers.ts";

Deno.test("securityHeaders: HSTS as it was set, over TLS alone, and a preload that nobody asked for is promised to nobody", async () => {
  const promised = async (hsts: Hsts, scheme: "http" | "https" | undefined) => {
    const app = new Hono<AppEnv>();
    app.use(securityHeaders({ settings: { hsts } }));
    app.get("/", (c) => {
      if (scheme) c.set("scheme", scheme);
      return c.text("");
    });
    return (await app.request("/")).headers.get("strict-transport-security");
  };
  assert.equal(await promised("off", "https"), null);
  assert.equal(await promised("on", "https"), "max-age=63072000");
  assert.equal(await promised("preload", "https"), "max-age=63072000; includeSubDomains; preload");
  for (const hsts of ["off", "on", "preload"] as const) {
    assert.equal(await promised(hsts, "http"), null);
    assert.equal(await promised(hsts, undefined), null);
  }
});

Deno.test("securityHeaders: no answer is kept, framed, sniffed or run, refusals among them, and a handler's own policy stays", async () => {
  const app = new Hono<AppEnv>();
  app.use(securityHeaders({ settings: { hsts: "on" } }));
  app.get("/", (c) => c.text(""));
  app.get("/page", (c) => c.body("", 200, { "Content-Security-Policy": "default-src 'self'" }));
  app.get("/fails", () => {
    throw new Error("on purpose");
  });
  app.onError((_, c) => c.text("", 500));
  const least: Record<string, string | RegExp> = {
    "cache-control": "no-store",
    "content-security-policy":
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": /camera=\(\).*publickey-credentials-get=\(\).*usb=\(\)/,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  };
  for (const path of ["/", "/fails", "/nowhere"]) {
    const { headers } = await app.request(path);
    for (const [name, value] of Object.entries(least)) {
      assert.match(headers.get(name) ?? "", value instanceof RegExp ? value : exactly(value), path);
    }
  }
  const { headers } = await app.request("/page");
  assert.equal(headers.get("content-security-policy"), "default-src 'self'");
  assert.equal(headers.get("x-frame-options"), "DENY");
});

const exactly = (text: string) => new RegExp(`^${RegExp.escape(text)}$`);
