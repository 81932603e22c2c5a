import assert from "node:assert/strict";
import { type Collector, type ReceivedSpan, startCollector } from "../support/otlp.ts";
import { seedSecret } from "../support/output.ts";
import { stackOn, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";

const port = 4318;
const caller = "00f067aa0ba902b7";
const traceId = (n: number) => n.toString(16).padStart(32, "a");
const traceparent = (n: number) => `00-${traceId(n)}-${caller}-00`;

const of = (collector: Collector, n: number) =>
  collector.spans.filter((span) => span.traceId === traceId(n));
const named = (spans: ReceivedSpan[], name: string) =>
  spans.find((span) => span.name === name) ??
    assert.fail(`${name} of ${spans.map((span) => span.name).join(", ")}`);

Deno.test("spans: A6: a request, what it asks of database and daemon, and its mail are one trace; nothing secret is in any, and off there is none", async () => {
  const env: Record<string, string> = {
    OTEL_DENO_TRACING: "true",
    OTEL_TRACES_SAMPLER: "parentbased_always_off",
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_SERVICE_NAME: "massacorp",
    OTEL_BSP_SCHEDULE_DELAY: "100",
  };
  await using made = await stackOn({ env }, "laptop");
  const argv = (command: readonly string[]) => made.net.argv("server", command);
  await using collector = await startCollector({ port, argv });
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");

  // An invitation with an enrolment peer: rows, the daemon, a mail.
  const invited = await made.operator("/users/invitations", {
    tenant: acme.id,
    json: { email: "bob-the-invited@acme.example" },
    headers: { traceparent: traceparent(1) },
  });
  assert.equal(invited.status, 201, JSON.stringify(invited.body));
  // API and daemon send what has ended, each in batches of its own.
  const parts = ["POST /api/v1/users/invitations", "wgd reconcile", "POST /v1/reconcile"];
  await until("request, daemon and mail have told theirs", () => {
    const told = new Set(of(collector, 1).map(({ name }) => name));
    return [...parts, "mail send"].every((name) => told.has(name));
  });
  const whole = of(collector, 1);
  const root = named(whole, "POST /api/v1/users/invitations");
  assert.deepEqual([root.kind, root.parentSpanId], ["server", caller]);
  assert.equal(root.attributes["http.response.status_code"], 201);
  assert.equal(root.attributes["massacorp.tenant_id"], acme.id);
  const [call, transaction, mail] = [
    ...[named(whole, "wgd reconcile"), named(whole, "tenant transaction")],
    named(whole, "mail send"),
  ];
  for (const part of [call, transaction]) {
    assert.deepEqual([part?.kind, part?.parentSpanId], ["client", root.spanId], part?.name);
  }
  const queued = whole.find(({ spanId }) => spanId === mail?.parentSpanId);
  assert.equal(queued?.name, "tenant transaction", "a mail is queued in one, and hangs there");
  const daemons = named(whole, "POST /v1/reconcile");
  assert.deepEqual([daemons.kind, daemons.parentSpanId], ["server", call?.spanId]);

  // What callers hide in everything that they can send.
  const peer = await made.operator("/wireguard/peers", {
    tenant: acme.id,
    json: { name: "laptop-of-the-secret-project" },
    headers: { traceparent: traceparent(2) },
  });
  await using client = await made.client("laptop", peer.body.config);
  const hidden = {
    query: "s3cret-in-a-query-string",
    path: "s3cret-in-a-path-of-ours",
    nowhere: "s3cret-in-a-path-of-nobodys",
    key: "mc_abcdefgh_s3cret-in-an-api-key",
    token: "s3cret-in-a-bearer-token",
    agent: "s3cret-user-agent/1.0",
    method: "S3CRETMETHOD",
    state: "s3cret-in-a-tracestate",
    baggage: "s3cret-in-baggage",
  };
  const headers = (n: number, more: Record<string, string> = {}) => ({
    traceparent: traceparent(n),
    "User-Agent": hidden.agent,
    tracestate: `x=${hidden.state}`,
    baggage: `x=${hidden.baggage}`,
    "X-Tenant-ID": "acme",
    ...more,
  });
  const json = { email: acme.email, password: acme.password };
  const loggedIn = await client.request("/api/v1/auth/login", {
    method: "POST",
    json,
    headers: headers(3),
  });
  assert.ok("status" in loggedIn && loggedIn.status === 200, JSON.stringify(loggedIn));
  const { access_token, refresh_token } = loggedIn.body;
  const asks: [string, Record<string, string>, string?][] = [
    [`/api/v1/password-reset/validate/${hidden.path}?token=${hidden.query}`, {}],
    [`/api/v1/auth/me?secret=${hidden.query}`, { Authorization: `Bearer ${access_token}` }],
    ["/api/v1/auth/me", { Authorization: `Bearer ${hidden.token}` }],
    ["/api/v1/auth/me", { "X-API-Key": hidden.key }],
    [`/${hidden.nowhere}`, {}],
    ["/api/v1/info", {}, hidden.method],
  ];
  for (const [at, [path, more, method]] of asks.entries()) {
    const reply = await client.request(path, {
      headers: headers(10 + at, more),
      ...(method ? { method } : {}),
    });
    assert.ok("status" in reply, JSON.stringify(reply));
  }
  const servers = () =>
    asks.map((_, at) => of(collector, 10 + at).find(({ kind }) => kind === "server"));
  await until("each one's is there", () => servers().every((span) => span !== undefined));
  const names = servers().map((span) => span && [span.name, span.attributes["error.type"]]);
  assert.deepEqual(names, [
    ["GET /api/v1/password-reset/validate/:token", "not_found"],
    ["GET /api/v1/auth/me", undefined],
    ["GET /api/v1/auth/me", "invalid_token"],
    ["GET /api/v1/auth/me", "invalid_token"],
    ["GET none", "not_found"],
    ["other none", "not_found"],
  ]);
  const keys = [...peer.body.config.matchAll(/Key = (\S+)/g)].map(([, key]) => key);
  assert.equal(keys.length, 3);
  const secrets = [
    ...Object.values(hidden),
    ...[access_token, refresh_token, acme.password, acme.email, "bob-the-invited"],
    ...[
      "laptop-of-the-secret-project",
      peer.body.peer.address,
      made.net.address("laptop"),
      ...keys,
    ],
  ];
  for (const secret of [access_token, refresh_token, acme.password]) seedSecret(secret);
  const all = collector.received.join("\n").toLowerCase();
  assert.ok(collector.spans.length >= asks.length + parts.length, "there is something to look at");
  for (const secret of secrets) assert.ok(!all.includes(secret.toLowerCase()), secret);
  // What Deno records by itself, with whole URLs, is not let out; and nothing is set over, which would send both.
  for (const span of collector.spans) {
    assert.equal(span.scope, "massacorp", JSON.stringify(span));
    assert.deepEqual([
      Object.keys(span.attributes).filter((key) => key.startsWith("url.")),
      span.twice,
    ], [[], []]);
  }

  // The same without the setting: whoever ends has sent what he had to send.
  await made.stopApi();
  await made.daemon.end();
  /** How much was received of all that was sent until now: what is sent last is told last. */
  const receivedBy = async (end: string) => {
    await made.net.run("server", ["curl", "--silent", "--data", end, `http://127.0.0.1:${port}`]);
    return await until("the last of it is told", () => {
      const at = collector.received.findIndex((line) => line.includes(end));
      return at >= 0 && at;
    });
  };
  env["OTEL_DENO_TRACING"] = "false";
  const before = await receivedBy("the end with spans");
  await made.daemon.start();
  await made.startApi();
  const again = await made.operator("/wireguard/peers", {
    tenant: acme.id,
    json: { name: "another" },
    headers: { traceparent: traceparent(99) },
  });
  assert.equal(again.status, 201);
  await made.stopApi();
  await made.daemon.end();
  assert.equal(await receivedBy("the end without"), before + 1);
  assert.match(made.log.join("\n"), new RegExp(traceId(99)), "the log has its trace as ever");
});
