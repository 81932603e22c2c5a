import assert from "node:assert/strict";
import { apiProcess } from "../bench/identity/api_process.ts";
import { freePort } from "../support/free_port.ts";
import { startNginx } from "../support/nginx.ts";
import { peerOn, stack, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { ask, rawConnection, seen, tally, timeUntil } from "./trouble.ts";

/** Opens 1,000 connections, sends half a header on each, and says how many there are after five seconds. */
const slowly = `
  let open = 0;
  const half = new TextEncoder().encode("GET /health HTTP/1.1\\r\\nHost: 10.10.0.2\\r\\nX-Slow: ");
  for (let n = 0; n < 1000; n++) {
    Deno.connect({ hostname: "10.10.0.2", port: 8000 })
      .then(async (connection) => { await connection.write(half); open++; }).catch(() => {});
  }
  setTimeout(() => console.log(open), 5000);
  setTimeout(() => Deno.exit(), 60000);
`;

Deno.test("trouble: a peer with 1,000 half-sent headers holds 64 connections, and other peers are served as before", async () => {
  await using made = await stack("slow", "other");
  await made.daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const rival = await tenantOn(made, "rival");
  await using slow = await made.client("slow", (await peerOn(made, acme)).config);
  await using other = await made.client("other", (await peerOn(made, rival)).config);
  const info = async (client: typeof slow) => {
    const started = performance.now();
    const outcome = await client.request("/health", { timeoutMs: 10_000 });
    const ms = Math.round(performance.now() - started);
    const status = "status" in outcome ? outcome.status : 0;
    return { status, code: status ? "" : "no answer", retryAfter: null, ms };
  };
  await until("both are served", async () => {
    return (await info(slow)).status === 200 && (await info(other)).status === 200;
  });
  const [program = "", ...args] = made.net.argv("slow", [Deno.execPath(), "eval", slowly]);
  const attacker = new Deno.Command(program, { args, stdout: "piped", stderr: "null" }).spawn();
  const reader = attacker.stdout.getReader();
  const { value } = await reader.read();
  const held = Number(new TextDecoder().decode(value));
  const others = [];
  for (let n = 0; n < 20; n++) others.push(await info(other));
  const itself = await info(slow);
  attacker.kill("SIGKILL");
  await attacker.status;
  reader.releaseLock();
  await attacker.stdout.cancel();
  const backMs = await timeUntil(
    "the slow one is served",
    async () => (await info(slow)).status === 200,
  );
  const told = tally(others);
  seen("1,000 half-sent headers of one peer", {
    held,
    ...told,
    itself: itself.status || itself.code,
    backMs,
  });
  assert(held > 0 && held <= 64, `${held}`);
  assert.deepEqual(told.answers, { 200: 20 });
});

Deno.test("trouble: nginx hangs up on half a header after 5 s, and the API never learns of it", async () => {
  await using api = await apiProcess({
    env: { TRUSTED_PROXIES: "127.0.0.1", ALLOWED_HOSTS: "localhost" },
  });
  const port = freePort();
  await using nginx = await startNginx({
    listen: [`127.0.0.1:${port}`],
    upstreams: [api.port, api.port, api.port],
  });
  const before = await api.resident();
  const half: Awaited<ReturnType<typeof rawConnection>>[] = [];
  for (let n = 0; n < 1_000; n++) {
    const connection = await rawConnection(port);
    await connection.send("GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
    half.push(connection);
  }
  const served = [];
  for (let n = 0; n < 20; n++) served.push(await ask(`http://localhost:${port}/health`));
  const started = performance.now();
  const answers = await Promise.all(half.map((each) => each.answer(20_000)));
  const hungUpMs = Math.round(performance.now() - started);
  const told = tally(served);
  const next = await ask(`http://localhost:${port}/health`);
  assert.equal(next.status, 200);
  seen("1,000 half-sent headers at nginx", {
    ...told,
    ...{ hungUpMs, nextMs: next.ms },
    apiGrewMiB: Math.round((await api.resident() - before) / 2 ** 20),
  });
  assert.deepEqual(told.answers, { 200: 20 });
  assert(answers.every((text) => text === "" || /^HTTP\/1.1 408/.test(text)));
  assert(hungUpMs < 15_000);
  assert.doesNotMatch(await nginx.accessLog(), /X-Slow/);
});
