import assert from "node:assert/strict";
import {
  adminOf,
  peerOf,
  type RequestOptions,
  testApi,
  tunnelFrom,
} from "../../tests/support/api.ts";
import { assertCommonHeaders } from "../../tests/support/refusals.ts";

Deno.test("httpsOnly: what a proxy took in the clear is led to the public origin, or refused where it carries something", async () => {
  const env = {
    TRUSTED_PROXIES: "127.0.0.1",
    PUBLIC_URL: "https://vpn.example.com",
    HSTS: "preload",
  };
  await using api = await testApi({ inProcess: "plays the proxies itself", env });
  const acme = await adminOf(api, "acme");
  const peer = await peerOf(api, acme);
  const ask = (options: RequestOptions & { proto?: string; from?: string; path?: string }) => {
    const { proto, from = "127.0.0.1", path = "/api/v1/info", headers, ...rest } = options;
    return api.request(path, {
      via: tunnelFrom(from),
      headers: {
        "x-forwarded-for": peer.address,
        "x-forwarded-host": "evil.example",
        ...(proto === undefined ? {} : { "x-forwarded-proto": proto }),
        ...headers,
      },
      ...rest,
    });
  };
  const led = await ask({ proto: "http", path: "//evil.example/a?b=c" });
  assert.deepEqual(
    [led.status, led.headers.get("location"), led.headers.get("strict-transport-security")],
    [308, "https://vpn.example.com//evil.example/a?b=c", null],
  );
  assertCommonHeaders(led, { limited: true });
  for (
    const careless of [
      { token: acme.token },
      { headers: { "x-api-key": "mc_x_y" } },
      { method: "POST", body: {} },
      { method: "DELETE" },
    ]
  ) {
    const refused = await ask({ proto: "http", ...careless });
    assert.deepEqual([refused.status, refused.body.code], [403, "https_required"]);
  }
  const over = await ask({ proto: "https" });
  assert.deepEqual([over.status, over.headers.get("strict-transport-security")], [
    200,
    "max-age=63072000; includeSubDomains; preload",
  ]);
  // What the peer itself sent stands to the left.
  assert.equal((await ask({ proto: "https, http" })).status, 308);
  assert.equal((await ask({ proto: "http, https" })).status, 200);
  for (const proto of [undefined, "", "wss", "https,"]) {
    const unknown = await ask({ ...(proto === undefined ? {} : { proto }) });
    assert.equal(unknown.status, 200, proto);
    assert.equal(unknown.headers.get("strict-transport-security"), null, proto);
  }
  // Whoever is no proxy is not believed: neither led away nor told that this was TLS.
  for (const proto of ["http", "https"]) {
    const direct = await ask({ proto, from: peer.address });
    assert.equal(direct.status, 200);
    assert.equal(direct.headers.get("strict-transport-security"), null);
  }
});
