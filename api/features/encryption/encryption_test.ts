import assert from "node:assert/strict";
import { presharedKeyRow } from "../../../lib/seal.ts";
import { adminOf, type TestApi, testApi, testSecrets } from "../../../tests/support/api.ts";
import { equip } from "../../../tests/support/totp.ts";

const next = "q0Yq1c1d3S0k5mZ8WvJxQm0N9nQmXkXo0m2VxY1b2cM=";
const old = testSecrets.ENCRYPTION_KEY;

interface PeerRow {
  id: string;
  tenant_id: number;
  public_key: string;
  preshared_key: Uint8Array;
  successor_public_key: string | null;
  successor_preshared_key: Uint8Array | null;
}

const peerRows = ({ db }: TestApi) =>
  db.owner<PeerRow[]>`
    select id, tenant_id, public_key, preshared_key, successor_public_key, successor_preshared_key
    from wg_peers where deleted_at is null order by id`;

/** Every preshared key as an API opens it. @throws {SealError} */
async function opened(api: TestApi): Promise<string[]> {
  const all = (await peerRows(api)).flatMap((row) => [
    [row, row.public_key, row.preshared_key] as const,
    [row, row.successor_public_key, row.successor_preshared_key] as const,
  ]);
  return await Promise.all(
    all.flatMap(([row, publicKey, sealed]) =>
      publicKey === null || sealed === null ? [] : [
        api.deps.presharedKeys.open(
          sealed,
          presharedKeyRow({ tenantId: row.tenant_id, peerId: row.id, publicKey }),
        ).then((bytes) => new TextDecoder().decode(bytes)),
      ]
    ),
  );
}

const reseal = (api: TestApi) => api.request("/api/v1/encryption/reseal", { method: "POST" });

Deno.test("encryption: the key is changed without anybody noticing: announced, used, sealed anew, dropped", async () => {
  await using api = await testApi({ network: "10.10.0.0/23" });
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  await api.db.owner`update tenants set peer_quota = 500`;
  const operator = (on: TestApi, path: string, tenant: string, body: object) =>
    on.request(path, { tenant, body });
  const bulk = await operator(api, "/api/v1/wireguard/peers/bulk", "acme", {
    peers: Array.from({ length: 220 }, (_, n) => ({ name: `p${n}` })),
  });
  assert.equal(bulk.status, 201, bulk.text);
  await operator(api, "/api/v1/wireguard/peers", "other", { name: "elsewhere" });
  await equip(api, acme);
  await operator(api, "/api/v1/users/invitations", "other", { email: "new@other.example" });
  const before = await opened(api);
  assert.equal(before.length, 222, "an invitation has an enrolment peer");

  await using announced = await testApi({ beside: api, env: { ENCRYPTION_KEYS_OLD: next } });
  const env = { ENCRYPTION_KEY: next, ENCRYPTION_KEYS_OLD: old };
  await using after = await testApi({ beside: api, env });
  const made = await operator(after, "/api/v1/wireguard/peers", "acme", { name: "during" });
  assert.equal(made.status, 201, made.text);
  assert.equal((await opened(announced)).length, 223, "who was told opens what the others seal");
  await assert.rejects(opened(api), { name: "SealError" });

  // A hundred at a time, so that it can be cut off; one that does not open is passed over.
  // The first of acme's, and so of its first hundred: ids of one moment are in no order.
  const bent = (await peerRows(api)).find(({ tenant_id }) => tenant_id === acme.tenantId);
  assert.ok(bent);
  const bad = new Uint8Array(bent.preshared_key);
  bad[40] = (bad[40] ?? 0) ^ 1;
  await api.db.owner`update wg_peers set preshared_key = ${bad} where id = ${bent.id}`;
  const done = await reseal(after);
  assert.equal(done.status, 200, done.text);
  assert.deepEqual(done.body.resealed, { preshared_keys: 221, mails: 2, second_factors: 1 });
  assert.equal(done.body.unreadable, 1);
  assert.deepEqual(
    done.body.left.map(({ kind, count, known }: Record<string, unknown>) => [kind, count, known]),
    [["preshared_key", 1, true], ["recovery_code", 10, true]],
  );
  await api.db
    .owner`update wg_peers set preshared_key = ${bent.preshared_key} where id = ${bent.id}`;
  const again = await reseal(after);
  assert.deepEqual(again.body.resealed, { preshared_keys: 1, mails: 0, second_factors: 0 });
  assert.deepEqual((await reseal(after)).body.resealed, {
    preshared_keys: 0,
    mails: 0,
    second_factors: 0,
  });
  const entries = await api.db.owner<{ tenant_id: number; details: { peers: number } }[]>`
    select tenant_id, details from audit_log where action = 'encryption.reseal' order by id`;
  assert.deepEqual(entries.map(({ tenant_id, details }) => [tenant_id, details.peers]), [
    [acme.tenantId, 99],
    [acme.tenantId, 100],
    [acme.tenantId, 20],
    [other.tenantId, 2],
    [acme.tenantId, 1],
  ]);

  await using dropped = await testApi({ beside: api, env: { ENCRYPTION_KEY: next } });
  const kept = new Set(await opened(dropped));
  assert.equal(kept.size, 223);
  assert.deepEqual(before.filter((psk) => !kept.has(psk)), [], "the same preshared keys as before");
  await dropped.rolesAreSafe();
  const told = dropped.log.filter((line) => /"(critical|warn)"/.test(line));
  assert.equal(told.length, 1, "recovery codes end with their key, and that is said");
  assert.match(told[0] ?? "", /recovery codes are known by a key that is not there/);
  for (const text of [done.text, dropped.log.join("\n"), after.log.join("\n")]) {
    for (const secret of [old, next, ...kept]) assert.ok(!text.includes(secret));
  }
});

Deno.test("encryption: a key that is missing is said at the start, by kind and number, and nothing is lost", async () => {
  await using api = await testApi();
  await equip(api, await adminOf(api, "acme"));
  await api.request("/api/v1/wireguard/peers", { tenant: "acme", body: { name: "p" } });
  await api.request("/api/v1/users/invitations", {
    tenant: "acme",
    body: { email: "new@acme.example" },
  });
  await using lost = await testApi({ beside: api, env: { ENCRYPTION_KEY: next } });
  await lost.rolesAreSafe();
  const critical = lost.log.filter((line) => line.includes('"critical"')).map((line) => {
    const { message, key_id, count, remedy } = JSON.parse(line);
    assert.match(key_id, /^[0-9a-f]{16}$/);
    assert.match(remedy, /ENCRYPTION_KEYS_OLD/);
    return [message, count];
  });
  assert.deepEqual(critical, [
    ["mails that wait are sealed under a key that is not there", 2],
    ["preshared keys are sealed under a key that is not there", 2],
    ["second factors are sealed under a key that is not there", 1],
  ]);
  const before = await peerRows(api);
  const reply = await reseal(lost);
  assert.deepEqual(reply.body.unreadable, 5);
  const known = reply.body.left.map((each: { known: boolean }) => each.known);
  assert.deepEqual(known, [false, false, false, false], "a recovery code among them");
  assert.deepEqual(await peerRows(api), before);
  assert.equal((await opened(api)).length, 2);
});

Deno.test("encryption: two at once seal each value once, and nobody but the operator may", async () => {
  await using api = await testApi({ network: "10.10.0.0/23" });
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set peer_quota = 500`;
  await api.request("/api/v1/wireguard/peers/bulk", {
    tenant: "acme",
    body: { peers: Array.from({ length: 120 }, (_, n) => ({ name: `p${n}` })) },
  });
  const env = { ENCRYPTION_KEY: next, ENCRYPTION_KEYS_OLD: old };
  await using after = await testApi({ beside: api, env });
  const refused = await after.request("/api/v1/encryption/reseal", {
    method: "POST",
    token: acme.token,
  });
  assert.equal(refused.status, 403);
  const both = await Promise.all([reseal(after), reseal(after), reseal(after)]);
  const sum = both.reduce((n, { body }) => n + body.resealed.preshared_keys, 0);
  assert.equal(sum, 120);
  await using dropped = await testApi({ beside: api, env: { ENCRYPTION_KEY: next } });
  assert.equal((await opened(dropped)).length, 120);
});
