import assert from "node:assert/strict";
import { adminOf, logIn, testApi } from "../../../tests/support/api.ts";
import { keyStatus, makeKey } from "../../../tests/support/api_key_calls.ts";

Deno.test("api keys: A6: a key is shown once, and the database has its digest alone", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { key, id, body } = await makeKey(api, acme);
  assert.match(key, /^mc_[A-Za-z0-9]{12}_[A-Za-z0-9_-]{43}$/);
  assert.equal(await keyStatus(api, key), 200);
  const secret = key.split("_").slice(2).join("_");
  const rows = JSON.stringify(
    await api.db.owner`select k::text, a::text from api_keys k, audit_log a`,
  );
  const reads = await api.request(`/api/v1/api-keys/${id}`, { token: acme.token });
  const list = await api.request("/api/v1/api-keys", { token: acme.token });
  for (const text of [rows, reads.text, list.text, api.log.join("\n")]) {
    assert.ok(!text.includes(secret));
  }
  assert.equal(list.body.items[0].prefix, body.api_key.prefix);
});

Deno.test("api keys: a rotation overlaps as long as it was asked to, and fifty at once leave one new secret", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const first = await makeKey(api, acme);
  const rotate = async (overlap_seconds: number) => {
    const reply = await api.request(`/api/v1/api-keys/${first.id}/rotate`, {
      token: acme.token,
      body: { overlap_seconds },
    });
    assert.equal(reply.status, 200, reply.text);
    return reply.body.key as string;
  };
  const second = await rotate(60);
  assert.deepEqual([await keyStatus(api, first.key), await keyStatus(api, second)], [200, 200]);
  api.clock.advance(60_000);
  assert.deepEqual([await keyStatus(api, first.key), await keyStatus(api, second)], [401, 200]);
  const third = await rotate(0);
  assert.deepEqual([await keyStatus(api, second), await keyStatus(api, third)], [401, 200]);
  const many = await Promise.all(Array.from({ length: 50 }, () => rotate(0)));
  const good = await Promise.all(many.map((key) => keyStatus(api, key)));
  assert.equal(good.filter((status) => status === 200).length, 1);
});

Deno.test("api keys: making and rotating one takes a step-up", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { id } = await makeKey(api, acme);
  api.clock.advance(5 * 60_000 + 1);
  for (
    const [path, body] of [["", { name: "x", scopes: ["users.read"] }], [
      `/${id}/rotate`,
      {},
    ]] as const
  ) {
    const reply = await api.request(`/api/v1/api-keys${path}`, { token: acme.token, body });
    assert.deepEqual([reply.status, reply.body.code], [403, "step_up_required"]);
  }
  const again = await logIn(api, acme);
  await makeKey(api, again);
  // The first session is no fresher for it.
  const old = await api.request("/api/v1/api-keys", {
    token: acme.token,
    body: { name: "x", scopes: ["users.read"] },
  });
  assert.equal(old.status, 403);
});
