import assert from "node:assert/strict";
import { adminOf, testApi } from "../../tests/support/api.ts";
import { apiProcess } from "../../tests/support/api_process.ts";
import { until } from "../../tests/support/until.ts";

async function statusOf(url: string): Promise<number | "refused"> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(20_000) });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    if (error instanceof TypeError) return "refused";
    throw error;
  }
}

Deno.test("stop: not ready at once, serving until it drained, what is under way is answered, and 0", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  // A failed log-in takes as long as this says.
  await using running = await apiProcess(api, { DRAIN_SECONDS: "6", LOGIN_FAILURE_FLOOR: "9s" });
  const explain = (cause: unknown) => {
    throw new Error(running.log.join("\n"), { cause });
  };
  const ready = () => statusOf(`${running.scrapeUrl}/ready`);
  await until("it is ready", async () => await ready() === 200, { timeoutMs: 60_000 })
    .catch(explain);
  const slow = fetch(`${running.url}/api/v1/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Tenant-ID": "acme" },
    body: JSON.stringify({ email: acme.email, password: "not this one, either" }),
  });
  await until("it is under way", async () => {
    const text = await (await fetch(`${running.scrapeUrl}/metrics`)).text();
    return /^massacorp_api_password_hashes_total [1-9]/m.test(text);
  }).catch(explain);
  running.signal("SIGTERM");
  await until("it says that it stops", async () => await ready() === 503).catch(explain);
  const drains = await fetch(`${running.scrapeUrl}/ready`);
  assert.deepEqual(await drains.json(), { status: "not_ready", checks: { process: "stopping" } });
  assert.equal(await statusOf(`${running.url}/health`), 200, "and goes on serving");
  await until(
    "it accepts nothing",
    async () => await statusOf(`${running.url}/health`) === "refused",
  )
    .catch(explain);
  const answer = await slow;
  assert.equal(answer.status, 401, "what came before is answered");
  await answer.body?.cancel();
  assert.deepEqual(await running.ended.then(({ code, signal }) => [code, signal]), [0, null]);
  assert.doesNotMatch(running.log.join("\n"), /cut off|unhandled/);
});

Deno.test("stop: a second signal ends the draining, and a third what is under way", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await using running = await apiProcess(api, { DRAIN_SECONDS: "300", LOGIN_FAILURE_FLOOR: "60s" });
  const ready = () => statusOf(`${running.scrapeUrl}/ready`);
  await until("it is ready", async () => await ready() === 200, { timeoutMs: 60_000 });
  const slow = fetch(`${running.url}/api/v1/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Tenant-ID": "acme" },
    body: JSON.stringify({ email: acme.email, password: "not this one, either" }),
  }).then((response) => response.status, () => "cut off");
  await until("it is under way", async () => {
    const text = await (await fetch(`${running.scrapeUrl}/metrics`)).text();
    return /^massacorp_api_password_hashes_total [1-9]/m.test(text);
  });
  const said = (text: string) =>
    until(text, () => running.log.some((line) => line.includes(`"${text}"`)));
  running.signal("SIGTERM");
  await said("stopping");
  running.signal("SIGTERM");
  await said("hurrying");
  await until("it accepts nothing", async () => await ready() === "refused");
  running.signal("SIGTERM");
  assert.equal((await running.ended).code, 0);
  assert.equal(await slow, "cut off");
  assert.match(running.log.join("\n"), /requests under way are cut off/);
});

Deno.test("main: a port that somebody else has ends the process with its reason, instead of leaving it deaf", async () => {
  await using api = await testApi();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert(taken.addr.transport === "tcp");
  await using running = await apiProcess(api, { API_PORT: String(taken.addr.port) });
  assert.equal((await running.ended).code, 1);
  assert.match(running.log.join("\n"), /cannot listen.*AddrInUse/);
});
