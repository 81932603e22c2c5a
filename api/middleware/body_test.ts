import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { handleError } from "../problem.ts";
import { jsonBody, limitBody, maxBodyBytes } from "./body.ts";

/** The two, and between them nothing, so that each is seen by itself. */
function app(...steps: (typeof limitBody | typeof jsonBody)[]) {
  const made = new Hono<AppEnv>();
  made.onError(handleError);
  for (const step of steps) made.use(step);
  made.post("/", (c) => c.text("taken"));
  return async (body: BodyInit, headers: Record<string, string> = {}) => {
    const request = new Request("http://api.test/", {
      method: "POST",
      body,
      headers: { "content-type": "application/json", ...headers },
    });
    const reply = await made.fetch(request, { listener: "loopback", address: null });
    return [reply.status, (/"code":"(\w+)"/.exec(await reply.text()) ?? [])[1]];
  };
}

Deno.test("limitBody: what announces more than 1 MiB is refused before a byte of it is asked for", async () => {
  let asked = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      asked++;
      controller.enqueue(new Uint8Array(1024));
    },
  }, { highWaterMark: 0 });
  const announced = { "content-length": String(maxBodyBytes + 1) };
  assert.deepEqual(await app(limitBody, jsonBody)(body, announced), [413, "body_too_large"]);
  assert.equal(asked, 0);
});

Deno.test("jsonBody: what is longer than it said, or said nothing, is refused where it passes 1 MiB", async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 64 * 1024;
      controller.enqueue(new Uint8Array(64 * 1024).fill(0x20));
    },
  });
  assert.deepEqual(await app(jsonBody)(endless), [413, "body_too_large"]);
  assert.ok(sent <= maxBodyBytes + 4 * 64 * 1024, `${sent}`);
});

Deno.test("jsonBody: no other type, no other encoding, and no text that PostgreSQL cannot hold", async () => {
  const send = app(jsonBody);
  assert.deepEqual(await send('{"a":1}'), [200, undefined]);
  assert.deepEqual(await send('{"a":1}', { "content-type": "text/plain" }), [
    415,
    "unsupported_media_type",
  ]);
  assert.deepEqual(await send(new Uint8Array([0x22, 0xff, 0x22])), [400, "invalid_encoding"]);
  assert.deepEqual(await send("{"), [400, "malformed_json"]);
  for (const text of ['{"a":{"b":["\\u0000"]}}', '{"\\u0000":1}', '"\\ud800"']) {
    assert.deepEqual(await send(text), [422, "invalid_input"], text);
  }
});

Deno.test("jsonBody: D3: what comes in pieces, cut inside of a character, is the whole, in whatever form it is asked for", async () => {
  const made = new Hono<AppEnv>();
  made.use(jsonBody);
  made.post("/", async (c) => c.json([await c.req.json(), await c.req.text()]));
  const text = '{"name":"Zoë"}';
  const bytes = new TextEncoder().encode(text);
  const body = ReadableStream.from([bytes.subarray(0, 12), bytes.subarray(12)]);
  const headers = { "content-type": "application/json" };
  const request = new Request("http://api.test/", { method: "POST", body, headers });
  const reply = await made.fetch(request, { listener: "loopback", address: null });
  assert.deepEqual(await reply.json(), [{ name: "Zoë" }, text]);
});
