import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { compress } from "./compress.ts";

Deno.test("compress: a long answer is left as it is where nobody named its operation, to POST, and where it refuses", async () => {
  const app = new Hono<AppEnv>();
  app.use(compress);
  const long = "a secret beside what was sent ".repeat(100);
  app.get("/api/v1/users", (c) => c.text(long));
  app.post("/api/v1/users", (c) => c.text(long));
  app.get("/api/v1/roles", (c) => c.text(long, 404));
  app.get("/api/v1/nobody-thought-of-it", (c) => c.text(long));
  app.get("/api/v1/wireguard/peers/:id", (c) => c.text(long));
  const ask = async (path: string, method = "GET") => {
    const headers = { "accept-encoding": "gzip" };
    const reply = await app.request(path, { method, headers });
    await reply.body?.cancel();
    return reply.headers.get("content-encoding");
  };
  assert.equal(await ask("/api/v1/users"), "gzip", "so that nothing else keeps the others from it");
  assert.equal(await ask("/api/v1/users", "POST"), null);
  assert.equal(await ask("/api/v1/roles"), null);
  assert.equal(await ask("/api/v1/nobody-thought-of-it"), null);
  assert.equal(await ask("/api/v1/wireguard/peers/1"), null);
});
