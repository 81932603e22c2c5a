import assert from "node:assert/strict";
import { accounts, apiProcess, logIn } from "../bench/identity/api_process.ts";
import { ask, descriptors, rawConnection, seen, tally, timeUntil } from "./trouble.ts";

/** As many as asked for, a hundred at a time: a burst of SYNs beyond the backlog would wait for its retries. */
async function many<T>(count: number, open: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) {
    const some = Math.min(100, count - made.length);
    made.push(...await Promise.all(Array.from({ length: some }, open)));
  }
  return made;
}

Deno.test("trouble: 1,000 clients that never end their request leave everybody else served, and are told after 15 s", async () => {
  await using api = await apiProcess();
  const health = () => ask(`http://127.0.0.1:${api.port}/health`);
  assert.equal((await health()).status, 200);
  const before = await api.resident();
  const half = await many(1_000, async () => {
    const connection = await rawConnection(api.port);
    await connection.send("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ");
    return connection;
  });
  const headersGrew = await api.resident() - before;
  const bodies = await many(1_000, async () => {
    const connection = await rawConnection(api.port);
    // Where a megabyte may be announced, and is read before anybody has said who he is.
    await connection.send(
      "POST /api/v1/wireguard/peers/bulk HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Tenant-ID: acme\r\n" +
        'Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"peers":[',
    );
    return connection;
  });
  const others = [];
  for (let n = 0; n < 50; n++) others.push(await health());
  const grown = await api.resident() - before;
  const told = tally(others);
  assert.deepEqual(told.answers, { 200: 50 });
  assert(told.slowest < 3_000, JSON.stringify(told));
  for (const each of half) each.close();
  const [told408] = await Promise.all(bodies.map((each) => each.answer(30_000)));
  assert.match(told408 ?? "", /^HTTP\/1.1 408 [^]*request_timeout/);
  const backMs = await timeUntil("they are forgotten", async () => await descriptors(api) < 100);
  seen("1,000 half-sent headers and 1,000 half-sent bodies", {
    ...told,
    headersMiB: Math.round(headersGrew / 2 ** 20),
    grownMiB: Math.round(grown / 2 ** 20),
    backMs,
  });
  // 1,137 MiB where what is announced is set aside for it; what is left is the server's own, for its reading.
  assert(grown < 350 * 1024 * 1024, `${grown} bytes`);
});

Deno.test("trouble: a header of 10 MB is refused before it was read, and costs no memory", async () => {
  await using api = await apiProcess();
  const before = await api.resident();
  const outcomes = new Set<string>();
  const chunk = "a".repeat(65_536);
  const started = performance.now();
  for (let n = 0; n < 20; n++) {
    using connection = await rawConnection(api.port);
    await connection.send("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Big: ");
    let sent = 0;
    try {
      for (; sent < 10 * 2 ** 20; sent += chunk.length) await connection.send(chunk);
      await connection.send("\r\n\r\n");
    } catch {
      // Hung up on before all was sent.
    }
    const [line = ""] = (await connection.answer()).split("\r\n");
    outcomes.add(line === "" ? "hung up" : line);
    // What the kernels of both ends keep is among them.
    assert(sent < 10 * 2 ** 20, "all of it was taken");
  }
  const grown = await api.resident() - before;
  assert(![...outcomes].some((line) => /^HTTP\/1.1 [25]/.test(line)), [...outcomes].join());
  assert(grown < 48 * 1024 * 1024, `${grown} bytes`);
  // A hundred thousand small ones are too many as well.
  using connection = await rawConnection(api.port);
  const small = Array.from({ length: 1_000 }, (_, n) => `X-${n}: 1\r\n`).join("");
  await connection.send(`GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n${small}\r\n`);
  const [line] = (await connection.answer(10_000)).split("\r\n");
  assert.match(line ?? "", /^HTTP\/1.1 4/);
  const msEach = Math.round((performance.now() - started) / 20);
  const next = await ask(`http://127.0.0.1:${api.port}/health`);
  assert.equal(next.status, 200);
  seen("headers of 10 MB", {
    outcomes: [...outcomes],
    thousandFields: line,
    ...{ msEach, nextMs: next.ms },
    grownMiB: Math.round(grown / 2 ** 20),
  });
});

Deno.test("trouble: without a file descriptor left the API serves who is connected, takes nobody new, and goes on when some are free", async () => {
  await using api = await apiProcess({ wrap: ["prlimit", "--nofile=120:120"] });
  const [admin] = await accounts(api, { slug: "acme", count: 1 });
  assert(admin);
  const { access_token } = await logIn(api, admin);
  const me = () =>
    ask(`${api.url}/auth/me`, {
      headers: { Authorization: `Bearer ${access_token}` },
      signal: AbortSignal.timeout(1_000),
    });
  assert.equal((await me()).status, 200);
  const open: { close(): void }[] = [];
  let refused = 0;
  for (let n = 0; n < 300; n++) {
    await rawConnection(api.port).then((each) => open.push(each), () => refused++);
  }
  const full = await descriptors(api);
  // The client's pool has a connection from before.
  const connected = await me();
  const operator = await api.operator("/tenants").then(() => "served", () => "refused");
  for (const each of open) each.close();
  const backMs = await timeUntil("all is well", async () => {
    const stranger = await rawConnection(api.port);
    await stranger.send("GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    return /^HTTP\/1.1 200/.test(await stranger.answer()) && (await me()).status === 200;
  });
  const operatorBackMs = await timeUntil("the operator, too", async () => {
    await api.operator("/tenants");
    return true;
  });
  assert(full >= 115 && refused > 0, `${full} were open, ${refused} refused`);
  seen("no file descriptor left (120)", {
    refused,
    connected: connected.status || connected.code,
    ...{ operator, backMs, operatorBackMs },
  });
});

Deno.test("trouble: of 10,000 log-ins at once those beyond the queue are shed with 503, and memory does not grow with the next 10,000", async () => {
  await using api = await apiProcess({ env: { LOG_LEVEL: "critical" } });
  // Some are answered, and lock whom they try; another one logs in afterwards.
  const [tried, admin] = await accounts(api, { slug: "acme", count: 2 });
  assert(tried && admin);
  const body = JSON.stringify({ email: tried.email, password: "wrong password here" });
  const request = "POST /api/v1/auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Tenant-ID: acme\r\n" +
    `Connection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  const rounds = [];
  for (let round = 0; round < 3; round++) {
    let peak = 0;
    // All are connected, with all but the last byte of the header sent, before the first of them is let go.
    const clients = await many(10_000, async () => {
      const connection = await rawConnection(api.port);
      await connection.send(request.slice(0, -1));
      return connection;
    });
    const watching = setInterval(async () => peak = Math.max(peak, await api.resident()), 100);
    const started = performance.now();
    const health = ask(`http://127.0.0.1:${api.port}/health`);
    const answers = await Promise.all(clients.map(async (connection) => {
      await connection.send(request.slice(-1) + body);
      const text = await connection.answer(120_000);
      return `${text.slice(9, 12)} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ""} ${
        /retry-after: \d+/i.test(text) ? "Retry-After" : ""
      }`.trim();
    }));
    clearInterval(watching);
    const counts: Record<string, number> = {};
    for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
    rounds.push({
      counts,
      ms: Math.round(performance.now() - started),
      healthMs: (await health).ms,
      peakMiB: Math.round(peak / 2 ** 20),
      residentMiB: Math.round(await api.resident() / 2 ** 20),
    });
  }
  seen("10,000 log-ins at once, three times", { rounds });
  for (const { counts } of rounds) {
    const allowed = /^(401 invalid_credentials|503 \w+ Retry-After|429 rate_limited Retry-After)$/;
    assert.deepEqual(Object.keys(counts).filter((each) => !allowed.test(each)), []);
  }
  // The first round warms up: what 10,000 connections need is reserved once. What is resident afterwards is for the
  // collector's next time to say: 269 and 457 MiB under the same peak.
  const [, second, third] = rounds;
  assert(
    second && third && third.peakMiB <= second.peakMiB + 32,
    `no growth: ${JSON.stringify(rounds)}`,
  );
  const good = await timeUntil("log-ins are as before", async () => {
    return await logIn(api, admin).then(() => true, () => false);
  });
  seen("after 30,000 log-ins", { backMs: good });
});
