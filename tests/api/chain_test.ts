import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  type Reply,
  type RequestOptions,
  testApi,
  tunnelFrom,
} from "../support/api.ts";
import { isPublic, operations, unknownPath } from "../support/operations.ts";
import { assertCommonHeaders } from "../support/refusals.ts";
import { until } from "../support/until.ts";
import { createApp } from "../../api/app.ts";
import type { Deps } from "../../api/deps.ts";

/** The same API with some of its dependencies exchanged. */
function variant(deps: Deps, changed: Partial<Deps>) {
  const app = createApp({ ...deps, ...changed });
  return async (path: string, { method = "GET", headers = {} }: RequestOptions): Promise<Reply> => {
    const request = new Request(`http://api.test${path}`, { method, headers });
    const response = await app.fetch(request, loopback);
    const text = await response.text();
    return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
  };
}

Deno.test("chain: every operation carries the headers of every answer, whoever refuses it and where", async () => {
  await using api = await testApi();
  const { deps } = api;
  const acme = await adminOf(api, "acme");
  const full = { allowed: false, quota: 1, remaining: 0, resetSeconds: 30 };
  const flooded = variant(deps, {
    limits: { ...deps.limits, consume: () => Promise.resolve(full) },
  });
  const broken = variant(deps, {
    limits: { ...deps.limits, consume: () => Promise.reject(new Error("a fault of ours")) },
  });
  const answered = new Set<number>();
  for (const operation of await operations(api)) {
    const { method, name } = operation;
    const path = unknownPath(operation);
    const at = (options: RequestOptions) =>
      api.request(path, { via: loopback, method, ...options });
    const replies: [expected: [number, string], reply: Reply][] = [
      [[421, "unknown_host"], await at({ headers: { host: "evil.example" } })],
      [
        [403, "wrong_tunnel"],
        await api.request(path.replace(/^\/(?!api).*/, "/api/v1/info"), {
          method,
          via: tunnelFrom("10.10.0.99"),
        }),
      ],
      [[429, "rate_limited"], await flooded(path, { method })],
      [[500, "internal_error"], await broken(path, { method })],
    ];
    if (!isPublic(operation)) replies.push([[401, "invalid_token"], await at({})]);
    for (const [[status, code], reply] of replies) {
      assert.deepEqual([reply.status, reply.body.code], [status, code], name);
      assert.equal(reply.headers.get("content-type"), "application/problem+json");
      assertCommonHeaders(reply, { limited: true });
    }
    // As an admin who asks for what is not there, and for all there is; what it is does not matter here.
    if (method !== "GET") continue;
    const reply = await at({ token: acme.token, tenant: "acme" });
    answered.add(reply.status);
    if (reply.status === 200 || reply.status === 404) assertCommonHeaders(reply, { limited: true });
  }
  assert.deepEqual([200, 404].filter((status) => !answered.has(status)), []);
});

Deno.test("requestId: a request over SLOW_REQUEST_MS is logged as slow, with its id", async () => {
  await using api = await testApi({ env: { SLOW_REQUEST_MS: "1" } });
  const slow = variant(api.deps, {
    health: {
      ...api.deps.health,
      async readiness() {
        const asked = performance.now();
        await until("it took as long", () => performance.now() - asked >= 1);
        return { ready: true, checks: {} };
      },
    },
  });
  const quick = variant(api.deps, { settings: { ...api.deps.settings, slowRequestMs: 60_000 } });
  const lines = async (ask: typeof slow, path: string) => {
    const id = crypto.randomUUID();
    await ask(path, { headers: { "x-request-id": id } });
    return api.log.map((line) => JSON.parse(line)).filter((line) => line.request_id === id)
      .map((line) => [line.level, line.message, line.path]);
  };
  assert.deepEqual(await lines(slow, "/ready"), [["warn", "slow request", "/ready"]]);
  assert.deepEqual(await lines(quick, "/"), [["info", "request", "/"]]);
});
