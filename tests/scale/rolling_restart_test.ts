import assert from "node:assert/strict";
import { freePort } from "../support/free_port.ts";
import { adminOn, threeApis } from "../support/scale.ts";
import { seen } from "../trouble/trouble.ts";

Deno.test("scale: D2: a rolling restart of three processes under load loses no request", async () => {
  const probePort = freePort();
  await using scale = await threeApis({
    env: { DRAIN_SECONDS: "6" },
    network: "10.10.0.0/19",
    nginx: {
      probePort,
      workers: 2,
      // Less than the file's own, and more time between them: on a busy machine nginx learns late who drains.
      replace: {
        "fail_timeout=10s": "fail_timeout=9s",
        "  keepalive_timeout 2s;": "  keepalive_timeout 1s;",
      },
    },
  });
  const acme = await adminOn(scale, "acme");
  const by = { from: acme.from, token: acme.token };
  const requests = {
    me: () => scale.request("/api/v1/auth/me", by),
    // What no proxy may send twice.
    verify: () =>
      scale.request("/api/v1/auth/verify-token", {
        from: acme.from,
        tenant: "acme",
        body: { token: acme.token },
      }),
    create: () => scale.request("/api/v1/wireguard/peers", { ...by, body: { name: "under-load" } }),
  };
  const answers = new Map<string, number>();
  const count = (what: string) => answers.set(what, (answers.get(what) ?? 0) + 1);
  const until = new AbortController();
  const load = Object.entries(requests).flatMap(([name, send]) =>
    Array.from({ length: name === "create" ? 1 : 4 }, async () => {
      while (!until.signal.aborted) {
        try {
          count(`${name} ${(await send()).status}`);
        } catch (error) {
          count(`${name} ${error}`);
        }
      }
    })
  );
  const before = scale.apis.map((api) => api.pid());

  // What systemctl does on an installation.
  const manager = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ url }) => {
      const api = scale.apis.find(({ port }) => url.endsWith(`/${port}`));
      await api?.stop();
      await api?.start();
      return new Response(null, { status: api ? 204 : 404 });
    },
  );
  const started = performance.now();
  try {
    const { success, stderr } = await new Deno.Command("deploy/nginx/rolling-restart.sh", {
      args: [
        `curl -sf -X POST http://127.0.0.1:${manager.addr.port}/%s`,
        ...scale.apis.map(({ port }) => String(port)),
      ],
      env: { PROBE: `http://127.0.0.1:${probePort}/ready`, FAIL_TIMEOUT: "9" },
      stdin: "null",
      stdout: "null",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
  } finally {
    until.abort();
    await Promise.all(load);
    await manager.shutdown();
  }

  assert(scale.apis.every((api, n) => api.pid() !== before[n]), "all were restarted");
  const outcome = Object.fromEntries(answers);
  const refusals = async () => {
    const log = (await scale.nginx.accessLog()).split("\n");
    const lines = log.filter((line) => line.includes('"status":5'));
    return [...lines, ...(await scale.nginx.errorLog()).split("\n").slice(-20)].join("\n");
  };
  seen("three processes restarted in turn", {
    ...{ answers: outcome, ms: Math.round(performance.now() - started) },
  });
  assert.deepEqual(
    Object.keys(outcome).sort(),
    ["create 201", "me 200", "verify 200"],
    `${JSON.stringify(outcome)}: ${await refusals()}`,
  );
  assert((outcome["me 200"] ?? 0) > 100, JSON.stringify(outcome));
  const [made] = await scale.db.owner`
    select count(*)::integer as n from wg_peers where name = 'under-load'`;
  assert.equal(made?.n, outcome["create 201"], "nothing was made twice");
});

Deno.test("scale: rolling-restart.sh ends at a process that does not come back, names it, and leaves the others alone", async () => {
  const ready = () =>
    Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response());
  await using first = ready();
  await using second = ready();
  // The manager's answer: the process was told to end, and that is all.
  const gone = Promise.withResolvers<void>();
  await using manager = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ url }) => {
      assert(url.endsWith(`/${first.addr.port}`), url);
      await first.shutdown();
      gone.resolve();
      return new Response();
    },
  );
  const script = new Deno.Command("deploy/nginx/rolling-restart.sh", {
    args: [
      `curl -sf http://127.0.0.1:${manager.addr.port}/%s`,
      ...[first, second].map(({ addr }) => String(addr.port)),
    ],
    env: {
      PROBE: `http://127.0.0.1:${second.addr.port}/ready`,
      FAIL_TIMEOUT: "0",
      READY_WITHIN: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const deadline = setTimeout(() => script.kill("SIGTERM"), 20_000);
  const { code, stdout, stderr } = await script.output();
  clearTimeout(deadline);
  await gone.promise;
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  assert.deepEqual(
    [code, text(stdout), text(stderr)],
    [1, "", `the process of port ${first.addr.port} is not ready after 1 s`],
  );
});
