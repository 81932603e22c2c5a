import assert from "node:assert/strict";
import { loopback, type TestApi, testApi } from "../../tests/support/api.ts";

Deno.test("crossOrigin: closed to every page but those named, and what is not named learns nothing", async () => {
  const ask = async (api: TestApi, origin: string, method = "OPTIONS") => {
    const { status, headers } = await api.request("/api/v1/info", {
      via: loopback,
      method,
      headers: {
        origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization",
      },
    });
    const said = [...headers.keys()].filter((name) => name.startsWith("access-control"));
    return [status, headers.get("access-control-allow-origin"), said.length > 0] as const;
  };
  {
    await using closed = await testApi({ gateway: false });
    assert.deepEqual(await ask(closed, "https://app.example"), [404, null, false]);
    assert.deepEqual(await ask(closed, "https://app.example", "GET"), [200, null, false]);
  }
  await using api = await testApi({
    gateway: false,
    env: { CORS_ORIGINS: "https://app.example, http://10.10.0.6:3000" },
  });
  assert.deepEqual(await ask(api, "https://app.example"), [204, "https://app.example", true]);
  assert.deepEqual(await ask(api, "https://app.example", "GET"), [
    ...[200, "https://app.example"],
    true,
  ]);
  for (
    const other of [
      ...["null", "*", "https://app.example.evil.example", "http://app.example", ""],
      ...["https://evil.example", "https://APP.example", "https://app.example:8443"],
      "https://app.example, https://evil.example",
    ]
  ) {
    assert.deepEqual(await ask(api, other), [404, null, false], other);
    assert.deepEqual(await ask(api, other, "GET"), [200, null, false], other);
  }
  const unnamed = await api.request("/api/v1/info", { via: loopback });
  assert.match(unnamed.headers.get("vary") ?? "", /Origin/, "a cache keeps it from other origins");
  const one = await api.request("/api/v1/auth/me", {
    via: loopback,
    headers: { origin: "https://app.example" },
  });
  assert.equal(one.status, 401);
  assert.equal(one.headers.get("access-control-allow-origin"), "https://app.example");
  assert.equal(one.headers.get("access-control-allow-credentials"), null);
  assert.match(one.headers.get("vary") ?? "", /Origin/);
});
