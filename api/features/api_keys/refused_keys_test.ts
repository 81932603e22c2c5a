import assert from "node:assert/strict";
import {
  adminOf,
  peerOf,
  type Persona,
  type RequestOptions,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";
import { keyStatus, makeKey, withKey } from "../../../tests/support/api_key_calls.ts";

Deno.test("api keys: A1: what is unknown, wrong, expired or revoked is one and the same refusal", async () => {
  await using api = await testApi();
  const [acme, globex] = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const good = await makeKey(api, acme);
  const revoked = await makeKey(api, acme);
  const expires_at = new Date(api.clock.now() + 60_000).toISOString().replace("Z", "+00:00");
  const expired = await makeKey(api, acme, { expires_at });
  assert.equal(await keyStatus(api, expired.key), 200);
  api.clock.advance(60_000);
  const gone = await api.request(`/api/v1/api-keys/${revoked.id}`, {
    token: acme.token,
    method: "DELETE",
  });
  assert.equal(gone.status, 200);
  const [, prefix = "", secret = ""] = /^mc_(.{12})_(.*)$/.exec(good.key) ?? [];
  const wrong: Record<string, string> = {
    "no key": "",
    "another form": "Bearer x",
    "unknown": `mc_${"A".repeat(12)}_${secret}`,
    "wrong": `mc_${prefix}_${"A".repeat(43)}`,
    "cut": good.key.slice(0, -1),
    "expired": expired.key,
    "revoked": revoked.key,
    "hostile": "mc_' or 1=1 --_x",
  };
  const answers = new Set<string>();
  for (const [name, key] of Object.entries(wrong)) {
    const reply = await api.request("/api/v1/wireguard/peers", withKey(key));
    assert.equal(reply.status, 401, name);
    answers.add(JSON.stringify({ ...reply.body, request_id: "" }));
  }
  assert.equal(answers.size, 1);
  assert.equal(await keyStatus(api, good.key), 200);
  // Two proofs at once leave open whose request it is.
  const both = await api.request("/api/v1/wireguard/peers", {
    ...withKey(good.key),
    token: acme.token,
  });
  assert.equal(both.status, 401);
  // N3: another tenant's key is unknown.
  for (const method of ["GET", "DELETE"]) {
    const foreign = await api.request(`/api/v1/api-keys/${good.id}`, {
      token: globex.token,
      method,
    });
    const unknown = await api.request(`/api/v1/api-keys/${crypto.randomUUID()}`, {
      token: globex.token,
      method,
    });
    assert.deepEqual([foreign.status, foreign.body.code], [unknown.status, unknown.body.code]);
  }
  const header = await api.request("/api/v1/wireguard/peers", {
    headers: { "X-API-Key": good.key, "X-Tenant-ID": "globex" },
  });
  assert.equal(header.body.code, "tenant_mismatch");
  // A suspended tenant's keys are dead.
  await api.db.owner`update tenants set status = 'suspended' where id = ${acme.tenantId}`;
  assert.equal(await keyStatus(api, good.key), 401);
});

Deno.test("api keys: whoever tries secrets with a key's prefix leaves an entry in its tenant's log, five a minute", async () => {
  await using api = await testApi({ inProcess: "counts what one process did" });
  const [acme, globex] = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const { id, key } = await makeKey(api, acme);
  const theirs = await peerOf(api, globex);
  const guess = async (n: number, more: RequestOptions = {}) => {
    const text = `${key.slice(0, 16)}${String(n).repeat(43)}`;
    const reply = await api.request("/api/v1/wireguard/peers", { ...withKey(text), ...more });
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"]);
  };
  const entries = async () => [
    ...await api.db.owner`
      select tenant_id, actor, outcome, target_id, peer_id, details from audit_log
      where action = 'access.refuse' order by id`,
  ];
  // Through whichever tunnel: it is the affair of the key's tenant, and the peer is none of its.
  await guess(0, { via: theirs.via });
  const entry = {
    ...{ tenant_id: acme.tenantId, actor: "anonymous", outcome: "refused", target_id: id },
    ...{ peer_id: null, details: { code: "invalid_token" } },
  };
  assert.deepEqual(await entries(), [entry]);
  for (let n = 1; n < 10; n++) await guess(n);
  assert.deepEqual(await entries(), Array.from({ length: 5 }, () => entry));
});

Deno.test("api keys: T10: through a peer of its tenant, and of its maker where the peer has an owner", async () => {
  await using api = await testApi();
  const [acme, globex] = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const colleague = await userOf(api, acme, { email: "c@acme.example", role: "manager" });
  const peer = async (who: Persona, body: Record<string, unknown> = {}) =>
    (await api.request("/api/v1/wireguard/peers", {
      token: who.token,
      body: { name: "peer", ...body },
    })).body.peer;
  const machine = await peer(acme);
  const hers = await peer(acme, { user_id: acme.userId });
  const foreign = await peer(globex);
  const { key } = await makeKey(api, acme);
  const theirs = await makeKey(api, colleague);
  const bound = await makeKey(api, acme, { allowed_peers: [machine.id] });
  const through = async (key: string, address: string) =>
    (await api.request("/api/v1/wireguard/peers", { ...withKey(key), via: tunnelFrom(address) }))
      .status;
  assert.deepEqual(
    [
      await through(key, machine.address),
      await through(key, hers.address),
      await through(key, foreign.address),
      await through(theirs.key, machine.address),
      await through(theirs.key, hers.address),
      await through(bound.key, machine.address),
      await through(bound.key, hers.address),
      await keyStatus(api, bound.key),
    ],
    [200, 200, 403, 200, 403, 200, 403, 403],
  );
  const removed = await peer(acme);
  await api.db.owner`update wg_peers set deleted_at = now() where id = ${removed.id}`;
  for (const id of [foreign.id, removed.id, crypto.randomUUID()]) {
    const unknown = await api.request("/api/v1/api-keys", {
      token: acme.token,
      body: { name: "x", scopes: ["users.read"], allowed_peers: [machine.id, id] },
    });
    assert.deepEqual([unknown.status, unknown.body.errors[0].code], [422, "unknown"]);
  }
});
