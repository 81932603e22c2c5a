import assert from "node:assert/strict";
import { adminOn, peerOn, spread, statuses, threeApis, userOn } from "../support/scale.ts";

Deno.test("scale: D4: a quota is one over three processes, and without Redis as well", async () => {
  await using scale = await threeApis({ env: { RATE_LIMIT_AUTHENTICATED: "30" } });
  const acme = await adminOn(scale, "acme");
  const ask = (count: number) =>
    spread(
      scale,
      count,
      (api) => api.request("/api/v1/auth/me", { from: acme.from, token: acme.token }),
    );
  const found = statuses(await ask(90));
  assert.deepEqual(found, { 200: 30, 429: 60 });
  const fresh = { ...await userOn(scale, acme), from: await peerOn(scale, acme.tenantId) };
  await scale.redis.stop();
  // Each process goes on where its own count stands, which is beyond its third already.
  assert.deepEqual(statuses(await ask(9)), { 429: 9 });
  const alone = await spread(
    scale,
    90,
    (api) => api.request("/api/v1/auth/me", { from: fresh.from, token: fresh.token }),
  );
  assert.deepEqual(statuses(alone), { 200: 30, 429: 60 }, "a third of the quota in each");
});
