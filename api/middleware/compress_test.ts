import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import {
  adminOf,
  loopback,
  peerOf,
  type RequestOptions,
  testApi,
} from "../../tests/support/api.ts";
import { fillPath, operations } from "../../tests/support/operations.ts";
import { compressible, worthCompressing } from "./compress.ts";

Deno.test("compress: answers named as free of secrets, over 1,000 bytes, for who asks; never a token, a file, a delivery or a refusal", async () => {
  await using api = await testApi({
    inProcess: "looks at a coding that an HTTP client takes off by itself",
  });
  const acme = await adminOf(api, "acme");
  const all = await operations(api);
  const known = new Set(
    all.filter(({ method }) => method === "GET").map(({ template }) => template),
  );
  assert.deepEqual([...compressible].filter((path) => !known.has(path)), ["/openapi.json"]);
  const raw = async (path: string, options: RequestOptions = {}) => {
    const { bytes, status, headers } = await api.requestBytes(path, {
      via: loopback,
      token: acme.token,
      ...options,
      headers: { "accept-encoding": "gzip, br", ...options.headers },
    });
    return { bytes, status, headers, encoding: headers.get("content-encoding") };
  };
  const plain = await raw("/openapi.json", { headers: { "accept-encoding": "gzip;q=0, br" } });
  assert.equal(plain.encoding, null);
  const packed = await raw("/openapi.json");
  assert.equal(packed.encoding, "gzip");
  assert.match(packed.headers.get("vary") ?? "", /Accept-Encoding/);
  assert.deepEqual(new Uint8Array(gunzipSync(packed.bytes)), plain.bytes);
  assert(packed.bytes.length * 4 < plain.bytes.length);
  // A list of one peer is short, and of ten is not.
  const name = "x".repeat(60);
  await peerOf(api, acme, { name });
  assert.equal((await raw("/api/v1/wireguard/peers")).encoding, null);
  for (let n = 0; n < 9; n++) await peerOf(api, acme, { name });
  const list = await raw("/api/v1/wireguard/peers");
  assert.equal(list.encoding, "gzip");
  assert.equal(JSON.parse(new TextDecoder().decode(gunzipSync(list.bytes))).items.length, 10);
  const exported = await raw("/api/v1/audit/export?format=csv");
  assert.equal(exported.encoding, "gzip");
  assert.match(new TextDecoder().decode(gunzipSync(exported.bytes)), /^"?id/);

  // What must never be: more than 1,000 bytes with a secret in them, or with what was sent.
  const secret = await raw("/api/v1/wireguard/peers", { body: { name: "new" } });
  assert(secret.status === 201 && secret.bytes.length > worthCompressing);
  assert.equal(secret.encoding, null);
  const text = await raw("/api/v1/wireguard/peers", {
    body: { name: "new" },
    headers: { accept: "image/svg+xml" },
  });
  assert(text.status === 201 && text.bytes.length > worthCompressing);
  assert.equal(text.encoding, null);
  const refused = await raw("/api/v1/auth/login", {
    tenant: "acme",
    body: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`reflected${n}`, 1])),
  });
  assert(refused.status === 422 && refused.bytes.length > worthCompressing);
  assert.equal(refused.encoding, null);
  for (const operation of all) {
    if (operation.method === "GET" && compressible.has(operation.template)) continue;
    const path = fillPath(
      operation,
      Object.fromEntries(operation.parameters.map((p) => [p.name, 1])),
    );
    const reply = await raw(path, { method: operation.method });
    assert.equal(reply.encoding, null, operation.name);
  }
});
