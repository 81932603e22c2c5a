import assert from "node:assert/strict";
import { Hono } from "hono";
import type { AppEnv } from "../../api/context.ts";
import { problemTypes } from "../../api/errors.ts";
import { securityHeaders } from "../../api/middleware/security_headers.ts";
import { freePort } from "../support/free_port.ts";
import { startNginx } from "../support/nginx.ts";
import { assertCommonHeaders } from "../support/refusals.ts";
import { until } from "../support/until.ts";
import { rawConnection } from "../trouble/trouble.ts";
import { upstream } from "./upstream.ts";

/** Each line of deploy/nginx/massacorp.conf that nothing else would miss, before servers that only tell what they got. */

const head = (method: string, path: string, more = "") =>
  `${method} ${path} HTTP/1.1\r\nHost: api.test:8000\r\n${more}\r\n`;

/** All that comes until nginx hangs up, as each request here has it do. */
async function answerTo(port: number, text: string): Promise<string> {
  using connection = await rawConnection(port);
  await connection.send(text);
  return await connection.answer(30_000);
}

const once = "Connection: close\r\n";

Deno.test("nginx: what an API process is sent: whole requests, in HTTP/1.1 on few connections, with nothing that the client claims", async () => {
  await using api = upstream();
  const port = freePort();
  await using nginx = await startNginx({
    listen: [`127.0.0.1:${port}`],
    upstreams: [api.port, api.port, api.port],
    // What a distribution's own nginx.conf may have switched on.
    http: "gzip on; gzip_types *; gzip_min_length 1; gzip_proxied any;",
  });
  await using few = upstream();
  const patient = freePort();
  await using _other = await startNginx({
    listen: [`127.0.0.1:${patient}`],
    upstreams: [few.port, few.port, few.port],
    // However long there is nothing to ask.
    replace: { "  keepalive_timeout 2s;": "  keepalive_timeout 60s;" },
  });
  const claims = ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded"]
    .map((name) => `${name}: 10.10.0.9\r\n`).join("") + "X-Forwarded-Proto: https\r\n";
  const answer = await answerTo(
    port,
    head("GET", "/a?b=c", `${claims}${once}Accept-Encoding: gzip\r\n`),
  );
  const sent = api.requests[0] ?? "";
  assert.match(sent, /^GET \/a\?b=c HTTP\/1.1\r\n/);
  assert.match(sent, /^Host: api\.test:8000\r$/m);
  assert.match(sent, /^X-Forwarded-For: 127\.0\.0\.1\r$/m);
  assert.match(sent, /^X-Forwarded-Proto: http\r$/m);
  assert.doesNotMatch(sent, /10\.10\.0\.9|https|^Connection:/m);
  // The answer is the API's: nothing of nginx's own beside it, and no version.
  assert.match(answer, /^HTTP\/1.1 200 /);
  assert.match(answer, /^Server: nginx\r$/m);
  assert.doesNotMatch(
    answer,
    /^(Content-Security-Policy|X-Request-ID|Retry-After|X-None|Content-Encoding):/mi,
  );

  for (let n = 0; n < 5; n++) await answerTo(patient, head("GET", "/", once));
  assert.equal(few.connections(), 1, "one after the other, on the connection that is there");
  await answerTo(port, head("GET", "/", once));
  const since = performance.now();
  await until("an idle one is closed", () => api.open() === 0);
  assert(performance.now() - since < 5_000, "before the API has drained, DRAIN_SECONDS");

  // A body is whole before anybody is asked, and lies in no file; so does an answer that nobody takes.
  const before = api.requests.length;
  const size = 2 * 2 ** 20 - 1_000;
  using slow = await rawConnection(port);
  await slow.send(head("POST", "/body", `Content-Length: ${size}\r\n${once}`));
  const half = "x".repeat(size / 2);
  await slow.send(half.slice(0, 1_000));
  assert.match(await answerTo(port, head("GET", "/between", once)), /^HTTP\/1.1 200/);
  assert.equal(api.requests.length, before + 1, "the half was not passed on");
  using whole = await Deno.connect({ port });
  await write(whole, head("POST", "/body", `Content-Length: ${size}\r\n${once}`) + half + half);
  await until("it was", () => api.bodies.includes(size));
  using idle = await Deno.connect({ port });
  await write(idle, head("GET", "/huge", once));
  let last = -1;
  await until("nobody takes more", () => {
    const stuck = api.sent() > 0 && api.sent() === last;
    last = api.sent();
    return stuck;
  }, { everyMs: 300, timeoutMs: 20_000 });
  assert.doesNotMatch(await nginx.errorLog(), /temporary file/);
});

async function write(connection: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

Deno.test("nginx: D2: a POST is sent once whatever becomes of it, and a GET goes to the next process", async () => {
  await using dead = upstream("hangs up");
  await using good = upstream();
  const port = freePort();
  const [first, second] = [dead.port, good.port];
  await using _nginx = await startNginx({
    listen: [`127.0.0.1:${port}`],
    upstreams: [first, second, second],
    replace: { "max_fails=1 fail_timeout=10s": "max_fails=0" },
  });
  const statuses = async (method: string) => {
    const all = await Promise.all(Array.from({ length: 9 }, async (_, n) => {
      const answer = await answerTo(
        port,
        head(method, `/${n}`, `${method === "POST" ? "Content-Length: 0\r\n" : ""}${once}`),
      );
      return answer.slice(9, 12);
    }));
    return all.sort();
  };
  assert.deepEqual(await statuses("GET"), Array(9).fill("200"));
  const asked = dead.requests.length + good.requests.length;
  const posts = await statuses("POST");
  const lost = posts.filter((status) => status === "503").length;
  assert(lost > 0 && lost < 9, posts.join());
  assert.equal(dead.requests.length + good.requests.length - asked, 9, "each once");
});

Deno.test("nginx: bounds of time: who neither sends nor takes is hung up on, and a process that does not answer is given up", async () => {
  await using mute = upstream("says nothing");
  await using good = upstream();
  const [port, behindMute] = [freePort(), freePort()];
  const replace = {
    "client_body_timeout 10s;": "client_body_timeout 1s;",
    "send_timeout 10s;": "send_timeout 1s;",
    "  keepalive_timeout 30s;": "  keepalive_timeout 1s;",
    "proxy_read_timeout 60s;": "proxy_read_timeout 1s;",
  };
  const listening = { upstreams: [good.port, good.port, good.port], replace };
  await using _nginx = await startNginx({ listen: [`127.0.0.1:${port}`], ...listening });
  const muted = { ...listening, upstreams: [mute.port, mute.port, mute.port] };
  await using _other = await startNginx({ listen: [`127.0.0.1:${behindMute}`], ...muted });
  const started = performance.now();
  const [body, kept, silent] = await Promise.all([
    answerTo(port, head("POST", "/", "Content-Length: 10\r\n") + "{"),
    answerTo(port, head("GET", "/")),
    answerTo(behindMute, head("POST", "/", `Content-Length: 0\r\n${once}`)),
    (async () => {
      using taker = await Deno.connect({ port });
      await write(taker, head("GET", "/huge"));
      await until("nginx has hung up on who takes nothing", () => good.cutOff());
      // Reset: nothing of it waits in the kernel until he takes it after all.
      await assert.rejects(async () => {
        const bytes = new Uint8Array(65_536);
        while (await taker.read(bytes) !== null);
      }, Deno.errors.ConnectionReset);
    })(),
  ]);
  // A minute and more is what each would have been given without its line.
  assert(performance.now() - started < 30_000);
  assert(body === "" || /^HTTP\/1.1 408/.test(body), body);
  assert.match(kept, /^HTTP\/1.1 200/);
  const [headers, problem] = await refusalOf(silent);
  assert.deepEqual([problem.status, problem.code], [503, "overloaded"]);
  assert.equal(headers.get("retry-after"), "1");
  // A second and what is above it.
  assert.match(headers.get("x-response-time") ?? "", /^[1-9]\d{3,}\.0ms$/);
});

/** What the API's own answers carry, and nothing that the API would not send. */
async function refusalOf(
  answer: string,
  scheme: "http" | "https" = "http",
): Promise<[Headers, Record<string, unknown>]> {
  const [top = "", body = ""] = answer.split("\r\n\r\n");
  const headers = new Headers(
    top.split("\r\n").slice(1).map((line): [string, string] => {
      const [name = "", ...value] = line.split(": ");
      return [name, value.join(": ")];
    }),
  );
  assert.equal(headers.get("server"), "nginx", "of no version");
  headers.delete("server");
  const hsts = headers.get("strict-transport-security");
  headers.delete("strict-transport-security");
  assertCommonHeaders({ headers }, { limited: false });
  const app = new Hono<AppEnv>()
    .use(async (c, next) => {
      c.set("scheme", scheme);
      await next();
    })
    .use(securityHeaders({ settings: { hsts: "on" } }))
    .get("/", (c) => c.body(null));
  const own = (await app.request("/")).headers;
  assert.equal(hsts, own.get("strict-transport-security"));
  own.delete("strict-transport-security");
  for (const [name, value] of own) assert.equal(headers.get(name), value, name);
  assert.equal(headers.get("content-type"), "application/problem+json");
  const problem = JSON.parse(body);
  assert.equal(problem.type, `urn:massacorp:problem:${problem.code}`);
  assert.equal(problem.request_id, headers.get("x-request-id"));
  assert.match(problem.detail, /\w/);
  // docs/api.md names the one that nginx alone has.
  assert(problem.code === "malformed_request" || Object.hasOwn(problemTypes, problem.code));
  return [headers, problem];
}

Deno.test("nginx: what it answers itself has the headers of an API's refusal, and its log no secret", async () => {
  await using api = upstream();
  const [port, limited] = [freePort(), freePort()];
  await using nginx = await startNginx({
    listen: [`127.0.0.1:${port}`],
    upstreams: [api.port, api.port, api.port],
  });
  const tooLong = head("POST", "/", `Content-Length: ${3 * 2 ** 20}\r\n${once}`);
  const refusals = [
    [400, head("GET", "/%zz", once)],
    [400, head("TRACE", "/", once)],
    [400, head("POST", "/", `Transfer-Encoding: gzip\r\n${once}`)],
    [400, head("GET", "/", once).replace("HTTP/1.1", "HTTP/3.0")],
    [413, tooLong],
  ] as const;
  for (const [status, request] of refusals) {
    const [headers, problem] = await refusalOf(await answerTo(port, request));
    assert.equal(problem.status, status);
    assert.equal(headers.get("retry-after"), null, "to repeat it is of no use");
  }
  // A peer's connections beyond its hundred.
  await using few = await startNginx({
    listen: [`127.0.0.1:${limited}`],
    upstreams: [api.port, api.port, api.port],
    replace: { "limit_conn massacorp_peer 100;": "limit_conn massacorp_peer 1;" },
  });
  using held = await rawConnection(limited);
  await held.send(head("POST", "/", "Content-Length: 10\r\n") + "{");
  const [headers, problem] = await until("the first is counted", async () => {
    const answer = await answerTo(limited, head("GET", "/", once));
    return answer.startsWith("HTTP/1.1 429") && refusalOf(answer);
  });
  assert.deepEqual([problem.code, headers.get("retry-after")], ["rate_limited", "1"]);
  assert.match(await few.errorLog(), /limiting connections/);
  const secrets = ["in-the-path-1234", "in-the-query-1234", "in-a-header-1234"];
  const path = `/api/v1/password-reset/validate/${secrets[0]}?token=${secrets[1]}`;
  const id = "asked-for-this-1234";
  await answerTo(port, head("GET", `/plain?token=${secrets[1]}`, once));
  await answerTo(
    port,
    head("GET", path, `Authorization: Bearer ${secrets[2]}\r\nX-Request-ID: ${id}\r\n${once}`),
  );
  const log = await until("it is logged", async () => {
    const text = await nginx.accessLog();
    return text.includes(id) && text;
  });
  for (const secret of secrets) assert(!log.includes(secret), log);
  for (const line of log.trimEnd().split("\n")) {
    const { time, status, address } = JSON.parse(line);
    assert(!Number.isNaN(Date.parse(time)) && status >= 200 && address === "127.0.0.1", line);
  }
  const paths = log.trimEnd().split("\n").map((line) => JSON.parse(line).path);
  assert.deepEqual(paths.slice(-2), ["/plain", "/api/v1/password-reset/validate/{token}"]);
  assert.match(api.requests.at(-2) ?? "", /^X-Request-ID: [0-9a-f]{32}\r$/m);
  assert.match(api.requests.at(-1) ?? "", new RegExp(`^X-Request-ID: ${id}\r$`, "m"));
});

Deno.test("nginx: a process that is not ready is told by the probe alone, and then asked by no worker", async () => {
  await using leaving = upstream("not ready");
  await using good = upstream();
  const [port, probePort] = [freePort(), freePort()];
  await using _nginx = await startNginx({
    ...{ listen: [`127.0.0.1:${port}`], probePort, workers: 4 },
    upstreams: [leaving.port, good.port, good.port],
    // Longer than the whole of this takes.
    replace: { "fail_timeout=10s": "fail_timeout=60s" },
  });
  const ask = (n: number) => answerTo(port, head("GET", `/${n}`, once));
  const many = () => Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)));
  await many();
  assert(leaving.requests.length > 0, "nobody has told yet");
  const told = () => leaving.requests.some((text) => text.startsWith("GET /ready"));
  await until("the probe meets it", async () => {
    assert.match(await answerTo(probePort, head("GET", "/ready", once)), /^HTTP\/1.1 200/);
    return told();
  });
  assert.equal(leaving.requests.at(-1), "GET /ready HTTP/1.1\r\nHost: 127.0.0.1\r\n");
  const before = leaving.requests.length;
  for (const answer of await many()) assert.match(answer, /^HTTP\/1.1 200/);
  assert.equal(leaving.requests.length, before);
  // Of the API the probe passes nothing else on.
  for (const path of ["/", "/metrics", "/api/v1/info", "/ready/"]) {
    assert.match(await answerTo(probePort, head("GET", path, once)), /^HTTP\/1.1 404/);
  }
});

Deno.test("nginx: TLS of 1.2 and 1.3 alone, and no ticket that a stolen key would open", async () => {
  await using api = upstream();
  const [port, tls] = [freePort(), freePort()];
  await using _nginx = await startNginx({
    ...{ listen: [`127.0.0.1:${port}`], listenTls: [`127.0.0.1:${tls}`] },
    upstreams: [api.port, api.port, api.port],
  });
  const said = async (...args: string[]) => {
    const { stdout, stderr } = await new Deno.Command("openssl", {
      args: ["s_client", "-connect", `127.0.0.1:${tls}`, "-cipher", "ALL:@SECLEVEL=0", ...args],
      stdin: "null",
    }).output();
    return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  };
  for (const version of ["1_2", "1_3"]) {
    assert.match(
      await said(`-tls${version}`),
      new RegExp(`TLSv${version.replace("_", ".")}, Cipher is (?!\\(NONE)`),
    );
  }
  for (const version of ["1", "1_1"]) {
    assert.match(await said(`-tls${version}`), /Cipher is \(NONE\)/, version);
  }
  assert.doesNotMatch(await said("-tls1_2"), /TLS session ticket:/);
  const { stdout } = await new Deno.Command("curl", {
    args: ["-sik", "--http1.1", "--path-as-is", `https://127.0.0.1:${tls}/%zz`],
  }).output();
  await refusalOf(new TextDecoder().decode(stdout), "https");
  // Who speaks HTTP there.
  await refusalOf(await answerTo(tls, head("GET", "/", once)));
});
