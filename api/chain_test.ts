import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import {
  adminOf,
  loopback,
  peerOf,
  type Reply,
  type RequestOptions,
  type TestApi,
  testApi,
  tunnelFrom,
} from "../tests/support/api.ts";
import { fillPath, isPublic, operations, unknownPath } from "../tests/support/operations.ts";
import { assertCommonHeaders } from "../tests/support/refusals.ts";
import { until } from "../tests/support/until.ts";
import { createApp } from "./app.ts";
import type { Deps } from "./deps.ts";
import { compressible, worthCompressing } from "./middleware/compress.ts";
import { hostOf } from "./middleware/hosts.ts";
import { mostAtOnce } from "./middleware/shed.ts";

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

Deno.test("hostOf: names and addresses without their port, and nothing that is no host", () => {
  const vectors: Record<string, string | undefined> = {
    "10.10.0.1:8000": "10.10.0.1",
    "VPN.Example.com": "vpn.example.com",
    "[FD00:0::1]:8000": "fd00::1",
    "[fd00::1]": "fd00::1",
    "fd00::1": undefined,
    "": undefined,
    "a b": undefined,
    "a@b": undefined,
    "a/b": undefined,
    "a?b": undefined,
    "a:b": undefined,
    "a:1:2": undefined,
    "a:": undefined,
    "a,b": undefined,
    "a\u00e9": undefined,
    "[a]": undefined,
    "10.10.0.1:8000\t": undefined,
  };
  for (const [authority, expected] of Object.entries(vectors)) {
    assert.equal(hostOf(authority), expected, authority);
  }
});

Deno.test("trustedHosts: the API answers to its own names, and looks nothing up for any other", async () => {
  await using api = await testApi({
    env: {
      ALLOWED_HOSTS: "api.test, Vpn.Example.com, fd00::9",
      WG_NETWORK6: "fd12:3456:789a:1::/64",
    },
  });
  const acme = await adminOf(api, "acme");
  const ask = async (host: string, via: RequestOptions["via"] & object = loopback) => {
    const { body, status, text } = await api.request("/api/v1/auth/me", {
      via,
      token: acme.token,
      headers: { host },
    });
    assert.doesNotMatch(text, /evil/);
    return body.code ?? status;
  };
  // The Host field of a request made here is not that of its URL, as it is where one came in.
  const app = createApp(api.deps);
  const status = async (url: string, host?: string) => {
    const headers = { authorization: `Bearer ${acme.token}`, ...(host ? { host } : {}) };
    return (await app.fetch(new Request(url, { headers }), loopback)).status;
  };
  for (
    const own of [
      ...["10.10.0.1:8000", "10.10.0.2", "127.0.0.1:1", "localhost:8000", "vpn.example.com:443"],
      ...["[fd12:3456:789a:1::1]:8000", "[fd12:3456:789a:1::2]", "[fd00::9]", "VPN.example.com"],
    ]
  ) {
    assert.equal(await status(`http://${own}/api/v1/auth/me`), 200, own);
  }
  for (
    const other of [
      ...["evil.example", "vpn.example.com.evil.example", "evil.vpn.example.com", "10.10.0.3"],
      ...["vpn.example.com.", "[::1]", "0.0.0.0", "10.10.0.1.nip.io"],
    ]
  ) {
    assert.equal(await status(`http://${other}/api/v1/auth/me`), 421, other);
    assert.equal(await ask(other), "unknown_host", other);
  }
  // Two opinions, both of them good by themselves.
  assert.equal(await status("http://10.10.0.1/api/v1/auth/me", "10.10.0.2"), 421);
  assert.equal(await status("http://10.10.0.1/api/v1/auth/me", "10.10.0.1"), 200);
  assert.equal(await ask("evil.example", tunnelFrom("10.10.0.99")), "unknown_host");
  assert.equal(await ask("evil.example", { listener: "operator", address: null }), 200);
});

Deno.test("httpsOnly: what a proxy took in the clear is led to the public origin, or refused where it carries something", async () => {
  const env = {
    TRUSTED_PROXIES: "127.0.0.1",
    PUBLIC_URL: "https://vpn.example.com",
    HSTS: "preload",
  };
  await using api = await testApi({ env });
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
  const one = await api.request("/api/v1/auth/me", {
    via: loopback,
    headers: { origin: "https://app.example" },
  });
  assert.equal(one.status, 401);
  assert.equal(one.headers.get("access-control-allow-origin"), "https://app.example");
  assert.equal(one.headers.get("access-control-allow-credentials"), null);
  assert.match(one.headers.get("vary") ?? "", /Origin/);
});

Deno.test("compress: answers named as free of secrets, over 1,000 bytes, for who asks; never a token, a file, a delivery or a refusal", async () => {
  await using api = await testApi();
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

Deno.test("coarseLimit, limitPrincipal: a source is bounded before anything is asked of the database, a user through all his peers", async () => {
  await using api = await testApi({
    env: { RATE_LIMIT_SOURCE: "40", RATE_LIMIT_AUTHENTICATED: "4" },
  });
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const [one, two] = [await peerOf(api, acme), await peerOf(api, acme)];
  const theirs = await peerOf(api, other);
  const me = async (who: { token: string }, { via }: { via: RequestOptions["via"] & object }) => {
    const reply = await api.request("/api/v1/auth/me", { via, token: who.token });
    if (reply.status === 429) assert.match(reply.headers.get("retry-after") ?? "", /^\d+$/);
    return [reply.status, reply.headers.get("ratelimit")?.replace(/;t=\d+/, "")];
  };
  // Two of the four made the peers.
  assert.deepEqual(await me(acme, one), [200, '"authenticated";r=1']);
  assert.deepEqual(await me(acme, two), [200, '"authenticated";r=0']);
  assert.deepEqual(await me(acme, one), [429, '"authenticated";r=0']);
  assert.equal((await me(acme, two))[0], 429, "another peer is no other quota");
  assert.equal((await me(other, theirs))[0], 200, "another user's is his own");

  const guess = async (via: RequestOptions["via"] & object) => {
    const reply = await api.request("/api/v1/auth/me", { via, token: "guessed" });
    return [reply.status, reply.headers.get("ratelimit-policy")];
  };
  const statuses = new Map<number, number>();
  for (let n = 0; n < 50; n++) {
    const [status] = await guess(two.via);
    statuses.set(Number(status), (statuses.get(Number(status)) ?? 0) + 1);
  }
  // It came twice before.
  assert.deepEqual([...statuses], [[401, 38], [429, 12]]);
  assert.deepEqual(await guess(two.via), [429, '"source";q=40;w=60']);
  const stranger = tunnelFrom("10.10.0.99");
  for (let n = 0; n < 40; n++) await api.request("/health", { via: stranger });
  assert.equal((await api.request("/api/v1/info", { via: stranger })).body.code, "rate_limited");
  assert.equal(
    (await guess({ listener: "operator", address: null }))[0],
    401,
    "the operator is not",
  );
  assert.equal((await guess(theirs.via))[0], 401);
});

Deno.test("requestId: a request over SLOW_REQUEST_MS is logged as slow, with its id", async () => {
  await using api = await testApi({ env: { SLOW_REQUEST_MS: "50" } });
  const slow = variant(api.deps, {
    health: {
      ...api.deps.health,
      readiness: () =>
        new Promise((done) => setTimeout(() => done({ ready: true, checks: {} }), 60)),
    },
  });
  const quick = variant(api.deps, {});
  const lines = async (ask: typeof slow, path: string) => {
    const id = crypto.randomUUID();
    await ask(path, { headers: { "x-request-id": id } });
    return api.log.map((line) => JSON.parse(line)).filter((line) => line.request_id === id)
      .map((line) => [line.level, line.message, line.path]);
  };
  assert.deepEqual(await lines(slow, "/ready"), [["warn", "slow request", "/ready"]]);
  assert.deepEqual(await lines(quick, "/"), [["info", "request", "/"]]);
});

Deno.test("shed: of 1,100 requests at once 100 are refused at once, the operator is not, and then all is as before", async () => {
  await using api = await testApi({ gateway: false });
  const held = Promise.withResolvers<{ ready: true; checks: Record<string, "ok"> }>();
  const app = createApp({
    ...api.deps,
    health: { ...api.deps.health, readiness: () => held.promise },
  });
  const ask = async (listener: "loopback" | "operator" = "loopback") => {
    const answer = await app.fetch(new Request("http://api.test/ready"), {
      listener,
      address: listener === "operator" ? null : "127.0.0.1",
    });
    const { code } = await answer.json();
    return `${answer.status} ${code ?? ""} ${answer.headers.get("retry-after") ?? ""}`.trim();
  };
  let refused = 0;
  const all = Array.from({ length: mostAtOnce + 100 }, () =>
    ask().then((answer) => {
      if (answer === "503 overloaded 1") refused++;
      return answer;
    }));
  const operator = ask("operator");
  await until("what is too much is told", () => refused === 100);
  held.resolve({ ready: true, checks: {} });
  assert.equal((await Promise.all(all)).filter((answer) => answer === "200").length, mostAtOnce);
  assert.equal(await operator, "200");
  assert.equal(await ask(), "200");
});
