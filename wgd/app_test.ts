import assert from "node:assert/strict";
import { createLogger, silentLogger } from "../lib/log.ts";
import { daemonStatus } from "../tests/support/daemon_views.ts";
import { createApp } from "./app.ts";
import { createWgdClient, WgdUnavailable } from "./client.ts";
import type { DaemonView } from "./daemon.ts";
import type { Scope } from "./pass/rows.ts";
import { serveSocket } from "../lib/unix_socket.ts";

const status = daemonStatus();
const id = "0198f3a1-0000-7000-8000-000000000001";

function fakeDaemon(): DaemonView & { asked: Scope[] } {
  const asked: Scope[] = [];
  return {
    asked,
    status: () => status,
    peers: () => [],
    metrics: () => "massacorp_wgd_drift 1\n",
    reconcile(scope) {
      asked.push(scope);
      return Promise.resolve({
        applied: scope === "all" ? [] : [...scope],
        removed: [],
        absent: [],
        failed: [],
      });
    },
  };
}

async function post(body: BodyInit, headers: Record<string, string> = {}) {
  const daemon = fakeDaemon();
  const response = await createApp(daemon, silentLogger).request("/v1/reconcile", {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
  const answer: unknown = await response.json();
  return { status: response.status, answer, asked: daemon.asked };
}

const refused: [name: string, body: BodyInit, status: number, headers?: Record<string, string>][] =
  [
    ["an unknown field", JSON.stringify({ peer_ids: [id], command: "x" }), 422],
    ["an id that is none", JSON.stringify({ peer_ids: ["x"] }), 422],
    ["more than 1,000 ids", JSON.stringify({ peer_ids: Array(1001).fill(id) }), 422],
    ["a body that is no object", "[]", 422],
    ["malformed JSON", "{", 400],
    ["a body that is not declared as JSON", "{}", 415, { "content-type": "text/plain" }],
    ["a body that is too large", `{"wait":true,"x":"${"y".repeat(70_000)}"}`, 413],
  ];
for (const [name, body, expected, headers] of refused) {
  Deno.test(`POST /v1/reconcile: refuses ${name}, and asks the daemon nothing`, async () => {
    const { status, answer, asked } = await post(body, headers);
    assert.equal(status, expected);
    assert.ok(answer && typeof answer === "object");
    assert.deepEqual(Object.keys(answer), ["code", "detail"]);
    assert.deepEqual(asked, []);
  });
}

Deno.test("POST /v1/reconcile: some, everything, and without waiting", async () => {
  assert.deepEqual((await post(JSON.stringify({ peer_ids: [id] }))).asked, [[id]]);
  // In capitals it would name no row.
  assert.deepEqual((await post(JSON.stringify({ peer_ids: [id.toUpperCase()] }))).asked, [[id]]);
  assert.deepEqual((await post("{}")).asked, ["all"]);
  const { status, answer } = await post(JSON.stringify({ peer_ids: [id], wait: false }));
  assert.equal(status, 202);
  assert.deepEqual(answer, { applied: [], removed: [], absent: [], failed: [] });
});

Deno.test("createApp: of a caller's ids only what is safe to log is logged", async () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({ level: "debug", write: (line) => lines.push(JSON.parse(line)) });
  const app = createApp(fakeDaemon(), log);
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const traceparent = `00-${trace}-b7ad6b7169203331-01`;
  for (const id of ["0193a-of.the_API", "short", "x".repeat(65), 'a","level":"x']) {
    await app.request("/v1/status", { headers: { "x-request-id": id, traceparent } });
  }
  assert.deepEqual(lines.map(({ request_id, trace_id }) => [request_id, trace_id]), [
    ["0193a-of.the_API", trace],
    ...Array(3).fill([undefined, undefined]),
  ]);
});

Deno.test("createApp: an unknown path and a failing daemon answer in the same shape", async () => {
  const app = createApp({
    ...fakeDaemon(),
    status: () => {
      throw new Error("private words");
    },
  }, silentLogger);
  assert.equal((await app.request("/v1/keys")).status, 404);
  const broken = await app.request("/v1/status");
  assert.equal(broken.status, 500);
  assert.ok(!(await broken.text()).includes("private words"));
});

Deno.test("createWgdClient: speaks with the app over a real socket, and names what goes wrong", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/wgd.sock`;
  const client = createWgdClient(path, { timeoutMs: 30_000 });
  const impatient = createWgdClient(path, { timeoutMs: 200 });
  const reason = async (call: Promise<unknown>) => {
    try {
      await call;
    } catch (error) {
      if (error instanceof WgdUnavailable) return error.reason;
      throw error;
    }
  };
  try {
    assert.equal(await reason(client.status()), "unreachable");
    const daemon = fakeDaemon();
    const stuck = Promise.withResolvers<never>();
    // On a busy machine the call below is given up on before it gets there, and nobody else hears of this.
    stuck.promise.catch(() => {});
    let answers: DaemonView = daemon;
    const server = await serveSocket(
      path,
      (request) => createApp(answers, silentLogger).fetch(request),
    );
    assert.deepEqual(await client.status(), status);
    assert.deepEqual((await client.reconcile({ peer_ids: [id] })).applied, [id]);
    assert.deepEqual(await client.peers(), []);
    assert.match(await client.metrics(), /massacorp_wgd_drift 1/);
    assert.equal(await reason(client.reconcile({ peer_ids: ["x"] })), "refused");
    answers = { ...daemon, reconcile: () => null };
    assert.equal(await reason(client.reconcile({})), "not_ready");
    answers = { ...daemon, reconcile: () => stuck.promise };
    assert.equal(await reason(impatient.reconcile({})), "timeout");
    stuck.reject(new Error("given up"));
    await server.close();
    assert.equal(await reason(client.status()), "unreachable");
  } finally {
    client.close();
    impatient.close();
    await Deno.remove(folder, { recursive: true });
  }
});
