import assert from "node:assert/strict";
import { adminOf, testApi } from "../support/api.ts";
import { freePort } from "../support/free_port.ts";
import { silentLogger } from "../../lib/log.ts";
import { createApp } from "../../api/app.ts";
import { listenTcp } from "../../api/process/listeners.ts";

Deno.test("edge: requests that two servers could read differently are refused, and what stands behind them is never carried out", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const app = createApp(api.deps);
  const port = freePort();
  const seen: string[] = [];
  const server = listenTcp({
    fetch: (request, env) => {
      seen.push(request.url);
      return app.fetch(request, env);
    },
    log: silentLogger,
    ...{ listener: "loopback", hostname: "127.0.0.1", port },
  });
  /** What comes back for these bytes until the other side hangs up. */
  async function raw(text: string): Promise<string> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(new TextEncoder().encode(text));
    return await new Response(connection.readable).text();
  }
  const close = "Connection: close\r\n";
  const host = "Host: 127.0.0.1\r\n";
  const post = "POST /api/v1/auth/refresh HTTP/1.1\r\n" + host +
    "Content-Type: application/json\r\n";
  const hidden = "DELETE /hidden HTTP/1.1\r\n" + host + close + "\r\n";
  try {
    const smuggled = {
      "a length and chunks":
        `${post}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      "chunks and a length":
        `${post}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
      "two lengths": `${post}Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}`,
      "lengths in one field": `${post}Content-Length: 2, 40\r\n\r\n{}`,
      "a signed length": `${post}Content-Length: +2\r\n\r\n{}`,
      "another last coding": `${post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
      "a space before the colon": `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
      "a folded field": `${post}X-A: b\r\n Content-Length: 2\r\n\r\n{}`,
      "two hosts": `GET /health HTTP/1.1\r\n${host}Host: evil.example\r\n\r\n`,
      "NUL in a field": `GET /health HTTP/1.1\r\n${host}X-A: a\0b\r\n\r\n`,
    };
    for (const [what, bytes] of Object.entries(smuggled)) {
      const answer = await raw(bytes + hidden);
      assert.match(answer, /^HTTP\/1\.1 4\d\d /, `${what}: ${answer}`);
      assert(!seen.some((url) => url.endsWith("/hidden")), what);
    }
    // What is no name of the API's, or no name at all, and in the place of one the path of something else.
    const hosts = [
      ...["evil.example", "127.0.0.1@evil.example", "127.0.0.1:80@evil", "a b"],
      ...["127.0.0.1/api/v1/users?", "127.0.0.1#", "127.0.0.1\\evil", "[::1]", "127.1", "0x7f.1"],
    ];
    for (const each of hosts) {
      const answer = await raw(
        `GET /api/v1/auth/me HTTP/1.1\r\nHost: ${each}\r\n` +
          `Authorization: Bearer ${acme.token}\r\n${close}\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 4(21|00) /, `${each}: ${answer}`);
      assert.doesNotMatch(answer, /acme|evil/, each);
    }
    const target = await raw(`GET http://evil.example/health HTTP/1.1\r\n${host}${close}\r\n`);
    assert.match(target, /^HTTP\/1\.1 421 [^]*unknown_host/);
    assert.doesNotMatch(target, /evil/);
    // What is said is said back in no header: neither as it is nor as a line of its own.
    const id = "abcdefgh%0d%0aSet-Cookie:x";
    for (const path of [`/api/v1/${id}`, `/accept?x=${id}`, `/api/v1/users?limit=${id}`]) {
      const answer = await raw(
        `GET ${path} HTTP/1.1\r\n${host}X-Request-ID: ${id}\r\nOrigin: null\r\n` +
          `X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http\r\n${close}\r\n`,
      );
      const [head = ""] = answer.split("\r\n\r\n");
      assert.doesNotMatch(head, /cookie|evil|abcdefgh|access-control|\nlocation/i, path);
    }
  } finally {
    await server.shutdown();
  }
});
