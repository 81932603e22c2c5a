import assert from "node:assert/strict";
import {
  adminOf,
  peerOf,
  type RequestOptions,
  testApi,
  tunnelFrom,
} from "../../tests/support/api.ts";

Deno.test("coarseLimit, limitPrincipal: a source is bounded before anything is asked of the database, a user through all his peers", async () => {
  await using api = await testApi({
    inProcess: "counts what one process did",
    env: { RATE_LIMIT_SOURCE: "40", RATE_LIMIT_AUTHENTICATED: "4" },
  });
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const [one, two] = [await peerOf(api, acme), await peerOf(api, acme)];
  const theirs = await peerOf(api, other);
  const me = async (who: { token: string }, { via }: { via: RequestOptions["via"] & object }) => {
    const reply = await api.request("/api/v1/auth/me", { via, token: who.token });
    if (reply.status === 429) assert.match(reply.headers.get("retry-after") ?? "", /^\d+$/);
    return [reply.status, reply.headers.get("ratelimit")?.replace(/;t=\d+/, "")];
  };
  // Two of the four made the peers.
  assert.deepEqual(await me(acme, one), [200, '"authenticated";r=1']);
  assert.deepEqual(await me(acme, two), [200, '"authenticated";r=0']);
  assert.deepEqual(await me(acme, one), [429, '"authenticated";r=0']);
  assert.equal((await me(acme, two))[0], 429, "another peer is no other quota");
  assert.equal((await me(other, theirs))[0], 200, "another user's is his own");

  const guess = async (via: RequestOptions["via"] & object) => {
    const reply = await api.request("/api/v1/auth/me", { via, token: "guessed" });
    return [reply.status, reply.headers.get("ratelimit-policy")];
  };
  const statuses = new Map<number, number>();
  for (let n = 0; n < 50; n++) {
    const [status] = await guess(two.via);
    statuses.set(Number(status), (statuses.get(Number(status)) ?? 0) + 1);
  }
  // It came twice before.
  assert.deepEqual([...statuses], [[401, 38], [429, 12]]);
  assert.deepEqual(await guess(two.via), [429, '"source";q=40;w=60']);
  const stranger = tunnelFrom("10.10.0.99");
  for (let n = 0; n < 40; n++) await api.request("/health", { via: stranger });
  assert.equal((await api.request("/api/v1/info", { via: stranger })).body.code, "rate_limited");
  assert.equal(
    (await guess({ listener: "operator", address: null }))[0],
    401,
    "the operator is not",
  );
  assert.equal((await guess(theirs.via))[0], 401);
});

Deno.test("limitButForProxies: a proxy of ours that speaks for nobody asks whether a process is ready as often as it takes; a peer behind it does not", async () => {
  await using api = await testApi({
    inProcess: "plays the proxy itself",
    env: { TRUSTED_PROXIES: "127.0.0.1", RATE_LIMIT_ANONYMOUS: "3" },
  });
  const peer = await peerOf(api, await adminOf(api, "acme"));
  const ready = async (from: string, headers: Record<string, string> = {}) => {
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) {
      statuses.push((await api.request("/ready", { via: tunnelFrom(from), headers })).status);
    }
    return statuses;
  };
  assert.deepEqual(await ready("127.0.0.1"), [200, 200, 200, 200, 200, 200]);
  const limited = [200, 200, 200, 429, 429, 429];
  assert.deepEqual(await ready("127.0.0.1", { "x-forwarded-for": peer.address }), limited);
  const other = await peerOf(api, await adminOf(api, "other"));
  assert.deepEqual(await ready(other.address), limited);
});
