import assert from "node:assert/strict";
import { until } from "../../tests/support/until.ts";
import { adminOf, loopback, testApi, tunnelFrom } from "../../tests/support/api.ts";
import { createPeerCache, maxAgeMs } from "./peer_cache.ts";
import { asTenantId } from "./tenancy.ts";

const peer = { tenantId: asTenantId(1), peerId: "p", userId: null, kind: "permanent" as const };

Deno.test("createPeerCache: T10: an answer is used for a second from its question, and not after a change", async () => {
  let now = 0;
  let asked = 0;
  const cache = createPeerCache(() => {
    asked++;
    return Promise.resolve(asked === 2 ? undefined : peer);
  }, () => now);
  assert.equal(await cache.find("a"), peer);
  now = maxAgeMs - 1;
  assert.equal(await cache.find("a"), peer);
  assert.equal(asked, 1);
  now = maxAgeMs;
  assert.equal(await cache.find("a"), undefined);
  assert.equal(await cache.find("a"), undefined, "that there is none is remembered as well");
  assert.equal(asked, 2);
  cache.clear();
  assert.equal(await cache.find("a"), peer);
  assert.equal(asked, 3);
});

Deno.test("createPeerCache: what was asked before a change does not count after it", async () => {
  const slow = Promise.withResolvers<typeof peer | undefined>();
  const lookups = [slow.promise, Promise.resolve(undefined)];
  const cache = createPeerCache(() => lookups.shift() ?? Promise.reject(new Error("no more")));
  const before = cache.find("a");
  cache.clear();
  slow.resolve(peer);
  assert.equal(await before, peer);
  assert.equal(await cache.find("a"), undefined);
});

Deno.test("createPeerCache: a failed look-up is not remembered", async () => {
  const lookups = [Promise.reject(new Error("away")), Promise.resolve(peer)];
  const cache = createPeerCache(() => lookups.shift() ?? Promise.resolve(undefined));
  await assert.rejects(cache.find("a"), { message: "away" });
  assert.equal(await cache.find("a"), peer);
});

Deno.test("tunnel: T10: a peer that is disabled or comes back is noticed by notification, without waiting out the second", async () => {
  // No second goes by: an answer lasts until somebody says that it is none any more.
  await using api = await testApi({ timer: { now: () => 0, pause: () => Promise.resolve() } });
  const acme = await adminOf(api, "acme");
  const made = await api.request("/api/v1/wireguard/peers", {
    via: loopback,
    token: acme.token,
    body: { name: "laptop" },
  });
  const info = () => api.request("/api/v1/info", { via: tunnelFrom(made.body.peer.address) });
  await until(
    "the API listens",
    () => api.log.some((line) => line.includes("listening for changes")),
  );
  assert.equal((await info()).status, 200);
  for (const [enabled, status] of [[false, 403], [true, 200]] as const) {
    await api.db.owner`update wg_peers set enabled = ${enabled}`;
    await until("the change is noticed", async () => (await info()).status === status);
  }
});
