import assert from "node:assert/strict";
import { adminOf, testApi } from "../../../tests/support/api.ts";
import { keyStatus, makeKey } from "../../../tests/support/api_key_calls.ts";

Deno.test("api keys: what they do is audited in their name, and counted in batches", async () => {
  await using api = await testApi({ inProcess: "counts what one process did" });
  // From here on nothing is written but when this test says so, however long it takes.
  await api.deps.apiKeyUsage.close();
  const acme = await adminOf(api, "acme");
  const { key, id } = await makeKey(api, acme, { scopes: ["wireguard.write", "wireguard.read"] });
  const made = await api.request("/api/v1/wireguard/peers", {
    headers: { "X-API-Key": key, "Idempotency-Key": "once" },
    body: { name: "by a key" },
  });
  assert.equal(made.status, 201, made.text);
  const [entry] = await api.db.owner`
    select actor, actor_user_id, details from audit_log where action = 'peer.create'`;
  assert.deepEqual(
    [entry?.actor, entry?.actor_user_id, entry?.details.api_key_id],
    ["api_key", acme.userId, id],
  );
  for (let n = 0; n < 9; n++) await keyStatus(api, key);
  await keyStatus(api, key, "/api/v1/wireguard/peers/no-id");
  const before = await api.db.owner`select from api_key_usage`;
  assert.equal(before.length, 0);
  await api.deps.apiKeyUsage.flush();
  await keyStatus(api, key);
  await api.deps.apiKeyUsage.flush();
  const shown = await api.request(`/api/v1/api-keys/${id}`, { token: acme.token });
  const usage = Object.fromEntries(
    shown.body.usage.map((row: { endpoint: string; requests: number; errors: number }) => [
      row.endpoint,
      [row.requests, row.errors],
    ]),
  );
  assert.deepEqual(usage["GET /api/v1/wireguard/peers"], [10, 0]);
  assert.deepEqual(usage["POST /api/v1/wireguard/peers"], [1, 0]);
  assert.equal(Date.parse(shown.body.last_used_at), api.clock.now());
});

Deno.test("api keys: pages of usage are the whole, the newest day first, and a cursor that is none is refused", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { id } = await makeKey(api, acme, { scopes: ["wireguard.read"] });
  await api.db.owner`
    insert into api_key_usage (tenant_id, api_key_id, day, endpoint, requests, errors)
    select ${acme.tenantId}, ${id}, ${new Date(api.clock.now())}::date - d, 'GET /' || e, d + 1, 0
    from generate_series(0, 39) d, generate_series(0, 9) e`;
  const path = `/api/v1/api-keys/${id}`;
  const page = (query: string) => api.request(`${path}/usage?${query}`, { token: acme.token });
  const seen: string[] = [];
  let cursor = "";
  do {
    const { status, body, text } = await page(`days=35&limit=99${cursor}`);
    assert.equal(status, 200, text);
    assert.ok(body.items.length <= 99);
    seen.push(
      ...body.items.map((row: { day: string; endpoint: string }) => `${row.day} ${row.endpoint}`),
    );
    cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
  } while (cursor);
  const all = await api.db.owner`
    select day::text || ' ' || endpoint as row from api_key_usage
    where day > ${new Date(api.clock.now())}::date - 35 order by day desc, endpoint`;
  assert.equal(seen.length, 350);
  assert.deepEqual(seen, all.map(({ row }) => row));
  const { body } = await api.request(path, { token: acme.token });
  assert.equal(body.usage.length, 200);
  const encode = (value: unknown) => btoa(JSON.stringify(value)).replaceAll("=", "");
  for (
    const bad of ["zzz", encode(["0000-01-01", "GET /"]), encode(["2026-01-01", "\0"]), encode([1])]
  ) {
    const reply = await page(`cursor=${encodeURIComponent(bad)}`);
    assert.deepEqual([reply.status, reply.body.errors?.[0].path], [422, "cursor"], bad);
  }
  assert.equal((await page("limit=0")).status, 422);
});
