import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { handleError } from "../problem.ts";
import { adminOf, peerOf, testApi } from "../../tests/support/api.ts";
import { jsonBody, limitBody, maxBodyBytes, maxBulkBytes, readText } from "./body.ts";

/** Some of the three, and between them nothing, so that each is seen by itself. */
function app(...steps: (typeof limitBody)[]) {
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

Deno.test("limitBody: what announces more than it may have is refused before a byte of it is asked for", async () => {
  let asked = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      asked++;
      controller.enqueue(new Uint8Array(1024));
    },
  }, { highWaterMark: 0 });
  const announced = { "content-length": String(maxBodyBytes + 1) };
  assert.deepEqual(await app(limitBody, readText)(body, announced), [413, "body_too_large"]);
  assert.equal(asked, 0);
});

Deno.test("limitBody: the paths that take many things take them with a slash behind, too, and no others do", async () => {
  const made = new Hono<AppEnv>();
  made.onError(handleError);
  made.use(limitBody);
  made.post("*", (c) => c.text("taken"));
  const statuses = async (path: string) => {
    const found: number[] = [];
    for (const length of [maxBodyBytes, maxBodyBytes + 1, maxBulkBytes, maxBulkBytes + 1]) {
      const headers = { "content-length": String(length) };
      const asked = new Request(`http://api.test${path}`, { method: "POST", headers });
      found.push((await made.fetch(asked, { listener: "loopback", address: null })).status);
    }
    return found;
  };
  for (const path of ["peers/bulk", "policy", "import", "policy/"]) {
    assert.deepEqual(await statuses(`/api/v1/wireguard/${path}`), [200, 200, 200, 413], path);
  }
  for (const path of ["/api/v1/wireguard/peers", "/api/v1/wireguard/policy/x", "/", "/nowhere"]) {
    assert.deepEqual(await statuses(path), [200, 413, 413, 413], path);
  }
});

Deno.test("readText: what is longer than it said, or said nothing, is refused where it passes its bound", async () => {
  let sent = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 16 * 1024;
      controller.enqueue(new Uint8Array(16 * 1024).fill(0x20));
    },
  });
  assert.deepEqual(await app(readText)(endless), [413, "body_too_large"]);
  assert.ok(sent <= maxBodyBytes + 4 * 16 * 1024, `${sent}`);
});

Deno.test("jsonBody: no other type, no other encoding, and no text that PostgreSQL cannot hold", async () => {
  const send = app(readText, jsonBody);
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
  for (const text of ['"\\ud83d\\ude00"', '"\\\\u0000"', '{"a":"\\\\ud800"}']) {
    assert.deepEqual(await send(text), [200, undefined], text);
  }
});

Deno.test("jsonBody: D3: what comes in pieces, cut inside of a character, is the whole, in whatever form it is asked for", async () => {
  const made = new Hono<AppEnv>();
  made.use(readText, jsonBody);
  made.post("/", async (c) => c.json([await c.req.json(), await c.req.text()]));
  const text = '{"name":"Zoë"}';
  const bytes = new TextEncoder().encode(text);
  const body = ReadableStream.from([bytes.subarray(0, 12), bytes.subarray(12)]);
  const headers = { "content-type": "application/json" };
  const request = new Request("http://api.test/", { method: "POST", body, headers });
  const reply = await made.fetch(request, { listener: "loopback", address: null });
  assert.deepEqual(await reply.json(), [{ name: "Zoë" }, text]);
});

/** What goes on inside, each text that is parsed by its length. */
async function parsed(act: () => Promise<void>): Promise<number[]> {
  const { parse } = JSON;
  const lengths: number[] = [];
  JSON.parse = (text: string, ...rest) => {
    lengths.push(text.length);
    return parse(text, ...rest);
  };
  try {
    await act();
  } finally {
    JSON.parse = parse;
  }
  return lengths;
}

Deno.test("jsonBody: nobody has a body parsed before he was counted and let in, nor a large one where few things are asked for", async () => {
  await using api = await testApi({
    inProcess: "counts what one process parses",
    // So few that a slow machine is through with them before its minute is over.
    env: { RATE_LIMIT_LOGIN: "5", RATE_LIMIT_ANONYMOUS: "15" },
  });
  const acme = await adminOf(api, "acme");
  const { via } = await peerOf(api, acme);
  const enrolment = await peerOf(api, acme, { kind: "enrolment" });
  const nested = (bytes: number) => "[".repeat(bytes / 2) + "]".repeat(bytes / 2);
  const all = [
    ...["/auth/login", "/auth/register", "/auth/verify-email", "/auth/verify-email/resend"],
    ...["/auth/login/mfa", "/auth/refresh", "/password-reset/request", "/password-reset/confirm"],
    ...["/users/invitations/accept", "/wireguard/deliveries", "/mfa/setup", "/users", "/nothing"],
    ...["/wireguard/peers/bulk", "/wireguard/import"],
  ];
  for (const source of [via, enrolment.via]) {
    const statuses = new Map<number, number>();
    const lengths = await parsed(async () => {
      for (const path of all) {
        for (let n = 0; n < 7; n++) {
          const raw = nested(n === 0 ? maxBulkBytes : maxBodyBytes);
          const options = { via: source, tenant: "acme", method: "POST", raw };
          const { status } = await api.request(`/api/v1${path}`, options);
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
        }
      }
    });
    const large = lengths.filter((length) => length >= maxBodyBytes);
    assert.ok((statuses.get(429) ?? 0) > 20, JSON.stringify([...statuses]));
    // What `login` and `anonymous` let in, each parsed at most for its reader and for its schema.
    assert.ok(large.length <= 2 * (5 + 15), `${large.length}`);
    assert.deepEqual(large.filter((length) => length > maxBodyBytes), []);
  }
  const deep = '{"a":'.repeat(5_000) + '"\\u0000"' + "}".repeat(5_000);
  const told = await api.request("/api/v1/users", { token: acme.token, raw: deep, method: "POST" });
  assert.equal(told.status, 422, told.text);
  assert.ok(told.body.errors[0].path.length <= 200);
});
