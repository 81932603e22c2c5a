import assert from "node:assert/strict";
import { createLogger } from "../../lib/log.ts";
import { serveSocket } from "../../lib/unix_socket.ts";
import { adminOf, testApi, tunnelFrom } from "../support/api.ts";
import { createApp } from "../../wgd/app.ts";

const trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";

Deno.test("ids: of a request are the same in the API's log, in the daemon's, in the audit log, and when its mail leaves", async () => {
  const folder = await Deno.makeTempDir();
  const said: string[] = [];
  const daemon = createApp({
    status: () => assert.fail("nobody asks"),
    peers: () => [],
    metrics: () => "",
    reconcile: () => Promise.resolve({ applied: [], removed: [], absent: [], failed: [] }),
  }, createLogger({ level: "debug", format: "json", write: (line) => said.push(line) }));
  const socket = `${folder}/wgd.sock`;
  const server = await serveSocket(socket, daemon.fetch);
  await using api = await testApi({ env: { WGD_SOCKET: socket, MAIL_FOLDER: folder } });
  const acme = await adminOf(api, "acme");
  const headers = (id: string) => ({
    "X-Request-ID": id,
    traceparent: `00-${trace_id}-00f067aa0ba902b7-01`,
  });
  const made = await api.request("/api/v1/wireguard/peers", {
    token: acme.token,
    body: { name: "laptop" },
    headers: headers("request-of-a-peer"),
  });
  assert.equal(made.status, 201);
  const invited = await api.request("/api/v1/users/invitations", {
    token: acme.token,
    body: { email: "bob@acme.example", enrolment: false },
    headers: headers("request-of-a-mail"),
    via: tunnelFrom(made.body.peer.address),
  });
  assert.equal(invited.status, 201, invited.text);
  assert.equal(await api.deps.postman.deliverDue(), 1);

  const find = (lines: string[], message: string, request_id: string) =>
    lines.map((line) => JSON.parse(line)).find((line) =>
      line.message === message && line.request_id === request_id
    ) ?? assert.fail(`${message} of ${request_id}:\n${lines.join("\n")}`);
  const one = find(api.log, "request", "request-of-a-peer");
  assert.deepEqual(
    [one.trace_id, one.tenant_id, one.user_id, one.peer_id],
    [trace_id, acme.tenantId, acme.userId, undefined],
  );
  assert.equal(find(api.log, "request", "request-of-a-mail").peer_id, made.body.peer.id);
  assert.equal(find(said, "request", "request-of-a-peer").trace_id, trace_id);
  const sent = find(api.log, "a mail was sent", "request-of-a-mail");
  assert.deepEqual([sent.trace_id, sent.tenant_id], [trace_id, acme.tenantId]);
  const [{ n } = { n: 0 }] = await api.db.owner`
    select count(*)::integer as n from audit_log where request_id = 'request-of-a-mail'`;
  assert.equal(n, 1);

  // What somebody sends to the daemon's socket himself is logged only where it is safe to.
  said.length = 0;
  for (const [id, parent] of [["a b c d e f g", "x"], ["x".repeat(65), "00"]] as const) {
    const sentTo = { "X-Request-ID": id, traceparent: parent };
    await daemon.request("/v1/reconcile", { method: "POST", headers: sentTo });
  }
  assert.equal(said.length, 2);
  for (const line of said) {
    assert.deepEqual([JSON.parse(line).status, JSON.parse(line).request_id], [415, undefined]);
  }
  await server.close();
  await Deno.remove(folder, { recursive: true });
});

Deno.test("log: what a stranger sends in path, method and headers neither forges a line nor makes it long", async () => {
  await using api = await testApi({ inProcess: "sends what nginx refuses by itself" });
  const before = api.log.length;
  const sends: [string, { method?: string; headers?: Record<string, string> }][] = [
    ["/%0a%7B%22level%22%3A%22critical%22%7D", {}],
    ["/%1b%5b2J%c2%9b31m%e2%80%ae", {}],
    [`/${"a".repeat(60_000)}`, {}],
    ["/api/v1/auth/me", { headers: { "X-Request-ID": "bad id", traceparent: `00-${trace_id}` } }],
    ["/api/v1/auth/me", {
      headers: { "X-Request-ID": "x".repeat(5_000), "X-Tenant-ID": "é\u009b" },
    }],
    ["/api/v1/auth/me", { method: "A".repeat(5_000) }],
    [`/api/v1/password-reset/validate/${"s3cret".repeat(7)}`, {}],
  ];
  for (const [path, { method, headers }] of sends) {
    await api.request(path, {
      ...(method ? { method } : {}),
      headers: headers ?? {},
      via: tunnelFrom("10.10.0.77"),
    });
  }
  const lines = api.log.slice(before);
  assert.equal(lines.filter((line) => JSON.parse(line).message === "request").length, sends.length);
  for (const line of lines) {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f\u2028\u2029\u202e]/);
    assert.doesNotMatch(line, /s3crets3cret|bad id/);
    assert.ok(line.length < 1_000, `${line.length}`);
    assert.notEqual(JSON.parse(line).level, "critical");
  }
});
