import assert from "node:assert/strict";
import { maxBulkBytes } from "../../api/middleware/body.ts";
import { adminOf, loopback, type RequestOptions, testApi } from "../support/api.ts";
import { operations } from "../support/operations.ts";
import { assertCommonHeaders, assertRefused } from "../support/refusals.ts";

Deno.test("app: every operation with a body refuses what is no JSON, no UTF-8, too large or of another type", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const json = { "content-type": "application/json" };
  const endless = () =>
    new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024).fill(0x20)),
    });
  const bodies: Record<string, [RequestOptions, number, string]> = {
    "not JSON": [{ raw: "{", headers: json }, 400, "malformed_json"],
    "trailing text": [{ raw: "{} {}", headers: json }, 400, "malformed_json"],
    "invalid UTF-8": [
      { raw: new Uint8Array([0x22, 0xff, 0x22]), headers: json },
      400,
      "invalid_encoding",
    ],
    "a form": [
      { raw: "a=b", headers: { "content-type": "application/x-www-form-urlencoded" } },
      415,
      "unsupported_media_type",
    ],
    "no type": [
      { raw: new Uint8Array([0x7b, 0x7d]), headers: { "content-type": "" } },
      415,
      "unsupported_media_type",
    ],
    "too large": [{ raw: `"${"x".repeat(maxBulkBytes)}"`, headers: json }, 413, "body_too_large"],
    "endless": [{ raw: endless(), headers: json }, 413, "body_too_large"],
  };
  for (const operation of await operations(api)) {
    if (!operation.body) continue;
    for (const [name, [options, status, code]] of Object.entries(bodies)) {
      const raw = name === "endless" ? endless() : options.raw;
      await assertRefused(api, operation, {
        [name]: {
          ...options,
          ...(raw === undefined ? {} : { raw }),
          ...(operation.permission.startsWith("platform.")
            ? { via: { listener: "operator" as const, address: null } }
            : { token: acme.token }),
          tenant: "acme",
        },
      }, { status, code });
    }
  }
});

Deno.test("app: every operation with a body names unknown fields", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  for (const operation of await operations(api)) {
    if (!operation.body) continue;
    const platform = operation.permission.startsWith("platform.");
    const [reply] = await assertRefused(api, operation, {
      "": {
        ...(platform ? { via: { listener: "operator", address: null } } : { token: acme.token }),
        tenant: "acme",
        raw: '{"no such field":1,"__proto__":{"admin":true}}',
      },
    }, { status: 422, code: "invalid_input" });
    const unknown = reply?.body.errors.filter((error: { code: string }) =>
      error.code === "unknown_field"
    );
    const names = unknown.map((error: { path: string }) => error.path);
    assert.deepEqual(names, ["no such field", "__proto__"]);
  }
});

Deno.test("app: D3: every operation with a body refuses text that the database cannot hold", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bodies = {
    nul_character: '{"name":["a",{"deep":"x\\u0000"}]}',
    lone_surrogate: '{"name":["a",{"deep":"x\\ud800y"}]}',
  };
  for (const operation of await operations(api)) {
    if (!operation.body) continue;
    for (const [code, raw] of Object.entries(bodies)) {
      const who = operation.permission.startsWith("platform.")
        ? { via: { listener: "operator" as const, address: null }, tenant: "acme" }
        : { token: acme.token };
      const [reply] = await assertRefused(api, operation, { [code]: { raw, ...who } }, {
        status: 422,
        code: "invalid_input",
      });
      assert.deepEqual(
        reply?.body.errors.map((error: Record<string, string>) => [error.path, error.code]),
        [["name.1.deep", code]],
      );
    }
  }
  // A backslash before u0000 and a whole pair are text.
  const reply = await api.request("/api/v1/wireguard/peers", {
    token: acme.token,
    body: { name: "\\u0000 \u{1F600}" },
  });
  assert.equal(reply.status, 201, reply.text);
  assert.equal(reply.body.peer.name, "\\u0000 \u{1F600}");
});

Deno.test("app: however many fields are wrong, an answer names a hundred", async () => {
  await using api = await testApi();
  const body = Object.fromEntries(Array.from({ length: 3000 }, (_, n) => [`field${n}`, 0]));
  const reply = await api.request("/api/v1/auth/refresh", { via: loopback, body });
  assert.equal(reply.status, 422);
  assert.equal(reply.body.errors.length, 100);
});

Deno.test("app: a request id of the caller is echoed where it is safe to, and replaced where not", async () => {
  await using api = await testApi();
  const ask = async (id: string) =>
    (await api.request("/health", { headers: { "x-request-id": id } })).headers.get("x-request-id");
  assert.equal(await ask("abcdefgh-1.2_3"), "abcdefgh-1.2_3");
  for (const bad of ["short", "x".repeat(65), "has space in it", 'quote"quote"quote']) {
    assert.notEqual(await ask(bad), bad);
  }
});

Deno.test("app: unknown paths are a problem document as well, in and outside the API", async () => {
  await using api = await testApi();
  for (
    const path of [
      "/nothing",
      "/api/v1/nothing",
      "/api/v1/auth/nothing",
      "/api/v1/wireguard/peers/x/y/z",
    ]
  ) {
    const reply = await api.request(path, { via: loopback });
    assert.equal(reply.status, 404, path);
    assert.equal(reply.body.code, "not_found");
    assertCommonHeaders(reply, { limited: true });
  }
});

Deno.test("app: base endpoints say what the contract says", async () => {
  await using api = await testApi();
  const health = await api.request("/health", { via: loopback });
  assert.deepEqual(health.body, {
    status: "healthy",
    environment: "dev",
    wireguard_network: "10.10.0.0/24",
  });
  assert.equal((await api.request("/ready")).status, 200);
  assertCommonHeaders(health, { limited: true });
});
