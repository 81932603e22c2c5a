import assert from "node:assert/strict";
import { freePort } from "../support/free_port.ts";
import { certificateOf } from "../support/nginx.ts";
import { adminOn, fromHeader, threeApis } from "../support/scale.ts";
import { until } from "../support/until.ts";
import { rawConnection } from "../trouble/trouble.ts";

/** deploy/nginx/massacorp.conf in front of three real processes. */
Deno.test("nginx: T10: passes on whose request it is and what it was sent, and answers for itself as the API does", async (t) => {
  const tls = `127.0.0.1:${freePort()}`;
  await using scale = await threeApis({ nginx: { http: fromHeader, listenTls: [tls] } });
  const acme = await adminOn(scale, "acme");
  const rival = await adminOn(scale, "rival");
  const by = { from: acme.from, token: acme.token };

  await t.step("a claim of another address never reaches the API", async () => {
    for (const name of ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host"]) {
      for (const claim of [rival.from, `${rival.from}, 127.0.0.1`, `for=${rival.from}`, "x"]) {
        const info = await scale.request("/api/v1/info", { ...by, headers: { [name]: claim } });
        assert.deepEqual(
          [info.status, info.body.caller?.address],
          [200, acme.from],
          `${name}: ${claim}`,
        );
      }
    }
  });

  await t.step("one request id in the answer, nginx's log and the API's", async () => {
    const [own, hostile] = ["of-the-caller-1234", "x".repeat(200)];
    for (
      const [given, expected] of [[own, /^of-the-caller-1234$/], [
        hostile,
        /^[0-9a-f]{32}$/,
      ]] as const
    ) {
      const reply = await scale.request("/api/v1/info", {
        ...by,
        headers: { "X-Request-ID": given },
      });
      const id = reply.headers.get("x-request-id") ?? "";
      assert.match(id, expected);
      await until("nginx has logged it", async () => (await scale.nginx.accessLog()).includes(id));
      await until(
        "an API has",
        () => scale.apis.some(({ log }) => log.some((line) => line.includes(id))),
      );
    }
  });

  await t.step("requests go to all three, and its log has no secret", async () => {
    await Promise.all(Array.from({ length: 30 }, () => scale.request("/api/v1/auth/me", by)));
    await scale.request("/api/v1/password-reset/validate/very-secret-token", {
      ...by,
      tenant: "acme",
    });
    const log = await until("the last is logged", async () => {
      const text = await scale.nginx.accessLog();
      return text.includes("/password-reset/validate/{token}") && text;
    });
    for (const { port } of scale.apis) assert(log.includes(`127.0.0.1:${port}`), String(port));
    for (const secret of ["very-secret-token", acme.token]) assert(!log.includes(secret));
  });

  await t.step("what it refuses itself is a problem document with the API's headers", async () => {
    const refusals = {
      413: await scale.request("/api/v1/auth/login", { ...by, raw: "x".repeat(3 * 2 ** 20) }),
      400: await scale.request("/", { ...by, headers: { "X-Long": "x".repeat(40_000) } }),
    };
    for (const [status, reply] of Object.entries(refusals)) {
      assert.equal(String(reply.status), status, reply.text);
      assert.equal(reply.headers.get("content-type"), "application/problem+json");
      assert.equal(reply.body.request_id, reply.headers.get("x-request-id"));
      assert.equal(reply.headers.get("x-content-type-options"), "nosniff");
      assert.equal(reply.headers.get("cache-control"), "no-store");
    }
    const { hostname, port } = new URL(scale.url);
    for (const path of ["/a%00b", "/%zz", "/../x", "/docs/..%2f..%2fx", `/${"x".repeat(9_000)}`]) {
      using connection = await rawConnection(Number(port), hostname);
      await connection.send(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      const answer = await connection.answer();
      const shown = `${path.slice(0, 20)}: ${answer}`;
      assert.match(answer, /^HTTP\/1.1 400 [^]*application\/problem\+json/, shown);
      assert.match(
        answer,
        /x-request-id: (\w+)[^]*"code":"malformed_request",.*"request_id":"\1"/i,
        shown,
      );
    }
    assert.equal(refusals[413].body.code, "body_too_large");
  });

  await t.step("TLS ends here", async () => {
    using client = Deno.createHttpClient({ caCerts: [await certificateOf(scale.nginx.folder)] });
    const response = await fetch(`https://${tls}/health`, {
      client,
      headers: { "X-Test-Address": acme.from },
    });
    assert.deepEqual([response.status, (await response.json()).status], [200, "healthy"]);
  });

  await t.step("half a header is cut off, and a peer's connections are bounded", async () => {
    const url = new URL(scale.url);
    const where = { hostname: url.hostname, port: Number(url.port) };
    const slow = await Promise.all(Array.from({ length: 150 }, async () => {
      const connection = await Deno.connect(where);
      await connection.write(
        new TextEncoder().encode("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: "),
      );
      return connection;
    }));
    // Others are served meanwhile.
    assert.equal((await scale.request("/api/v1/auth/me", by)).status, 200);
    const started = performance.now();
    for (const connection of slow) {
      // Closed or reset (`reset_timedout_connection`), and without an answer.
      const answer = await connection.read(new Uint8Array(1)).catch((error) => {
        assert(error instanceof Deno.errors.ConnectionReset, String(error));
        return null;
      });
      assert.equal(answer, null);
      connection.close();
    }
    // A minute is what they would have been given without a line.
    assert(performance.now() - started < 30_000);
    // Of requests with a header and a body that never comes, a peer has a hundred.
    const head =
      `POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Test-Address: ${acme.from}\r\n` +
      "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    const held = await Promise.all(Array.from({ length: 100 }, async () => {
      const connection = await Deno.connect(where);
      await connection.write(new TextEncoder().encode(head));
      return connection;
    }));
    const more = await until("the next is refused", async () => {
      const reply = await scale.request("/api/v1/auth/me", by);
      return reply.status === 429 && reply;
    });
    assert.deepEqual([more.body.code, more.headers.get("retry-after")], ["rate_limited", "1"]);
    const other = await scale.request("/api/v1/auth/me", { from: rival.from, token: rival.token });
    assert.equal(other.status, 200, "another peer's are its own");
    for (const connection of held) connection.close();
  });

  await t.step(
    "a process that is gone is asked no more, and with all gone the answer is 503",
    async () => {
      await scale.apis[0].stop("SIGKILL");
      const replies = await Promise.all(
        Array.from({ length: 12 }, () => scale.request("/api/v1/auth/me", by)),
      );
      assert.deepEqual(replies.map(({ status }) => status), Array(12).fill(200));
      await Promise.all(scale.apis.map((api) => api.stop("SIGKILL")));
      const reply = await scale.request("/api/v1/auth/me", by);
      assert.deepEqual([reply.status, reply.body?.code, reply.headers.get("retry-after")], [
        503,
        "overloaded",
        "1",
      ]);
    },
  );
});
