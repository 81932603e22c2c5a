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
