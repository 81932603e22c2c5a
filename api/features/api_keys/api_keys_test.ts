import assert from "node:assert/strict";
import {
  adminOf,
  logIn,
  peerOf,
  type Persona,
  type Reply,
  type RequestOptions,
  type TestApi,
  testApi,
  tunnelFrom,
  userOf,
} from "../../../tests/support/api.ts";
import { keyList, keyRevoke } from "../../cli/api_key.ts";
import type { Command } from "../../cli/command.ts";
import { clientOf } from "../../../tests/support/client.ts";

async function makeKey(api: TestApi, who: Persona, body: Record<string, unknown> = {}) {
  const made = await api.request("/api/v1/api-keys", {
    token: who.token,
    body: { name: "script", scopes: ["wireguard.read"], ...body },
  });
  assert.equal(made.status, 201, made.text);
  return { key: made.body.key as string, id: made.body.api_key.id as string, body: made.body };
}

const withKey = (key: string) => ({ headers: { "X-API-Key": key } });
const status = async (api: TestApi, key: string, path = "/api/v1/wireguard/peers") =>
  (await api.request(path, withKey(key))).status;

Deno.test("api keys: A6: a key is shown once, and the database has its digest alone", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { key, id, body } = await makeKey(api, acme);
  assert.match(key, /^mc_[A-Za-z0-9]{12}_[A-Za-z0-9_-]{43}$/);
  assert.equal(await status(api, key), 200);
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

Deno.test("api keys: a key does what its scopes say and its maker may, at each moment", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const manager = await userOf(api, acme, { email: "m@acme.example", role: "manager" });
  const beyond = await api.request("/api/v1/api-keys", {
    token: manager.token,
    body: { name: "x", scopes: ["wireguard.read", "tenant.write"] },
  });
  assert.deepEqual([beyond.status, beyond.body.code], [403, "grant_exceeds_own"]);
  const platform = await api.request("/api/v1/api-keys", {
    token: acme.token,
    body: { name: "x", scopes: ["wireguard.read", "platform.tenants"] },
  });
  assert.deepEqual([platform.status, platform.body.errors?.[0].path], [422, "scopes.1"]);
  const { key } = await makeKey(api, manager, { scopes: ["wireguard.read", "users.write"] });
  assert.equal(await status(api, key), 200);
  assert.equal(await status(api, key, "/api/v1/tenants/current"), 403);
  // The scopes shrink with their maker.
  await api.db.owner`
    update user_roles h set role_id = r.id from roles r
    where h.user_id = ${manager.userId} and r.tenant_id = h.tenant_id and r.name = 'user'`;
  assert.equal(await status(api, key), 403);
  await api.db.owner`update users set status = 'inactive' where id = ${manager.userId}`;
  assert.equal(await status(api, key), 401);
});

Deno.test("api keys: an account is its user's own affair, and no key makes a key", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const scopes = ["wireguard.read", "users.read", "users.write", "api_keys.read", "api_keys.write"];
  const { key, id } = await makeKey(api, acme, { scopes });
  for (
    const [method, path, body] of [
      ["GET", "/auth/me"],
      ["GET", "/sessions"],
      ["DELETE", "/sessions"],
      ["POST", "/auth/logout", {}],
      ["GET", "/wireguard/me/peers"],
      ["GET", "/api-keys"],
      ["POST", "/api-keys", { name: "x", scopes }],
      ["POST", `/api-keys/${id}/rotate`, {}],
      ["DELETE", `/api-keys/${id}`],
    ] as const
  ) {
    const reply = await api.request(`/api/v1${path}`, { ...withKey(key), method, body });
    assert.deepEqual([reply.status, reply.body.code], [403, "forbidden"], `${method} ${path}`);
  }
});

Deno.test("api keys: A1: what is unknown, wrong, expired or revoked is one and the same refusal", async () => {
  await using api = await testApi();
  const [acme, globex] = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const good = await makeKey(api, acme);
  const revoked = await makeKey(api, acme);
  const expires_at = new Date(api.clock.now() + 60_000).toISOString().replace("Z", "+00:00");
  const expired = await makeKey(api, acme, { expires_at });
  assert.equal(await status(api, expired.key), 200);
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
  assert.equal(await status(api, good.key), 200);
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
  assert.equal(await status(api, good.key), 401);
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
  assert.deepEqual([await status(api, first.key), await status(api, second)], [200, 200]);
  api.clock.advance(60_000);
  assert.deepEqual([await status(api, first.key), await status(api, second)], [401, 200]);
  const third = await rotate(0);
  assert.deepEqual([await status(api, second), await status(api, third)], [401, 200]);
  const many = await Promise.all(Array.from({ length: 50 }, () => rotate(0)));
  const good = await Promise.all(many.map((key) => status(api, key)));
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
      await status(api, bound.key),
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

Deno.test("api keys: what they do is audited in their name, and counted in batches", async () => {
  await using api = await testApi({ inProcess: "counts what one process did" });
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
  for (let n = 0; n < 9; n++) await status(api, key);
  await status(api, key, "/api/v1/wireguard/peers/no-id");
  const before = await api.db.owner`select from api_key_usage`;
  assert.equal(before.length, 0);
  await api.deps.apiKeyUsage.flush();
  await status(api, key);
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

Deno.test("api keys: a limit of its own, and fifty at most", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { key } = await makeKey(api, acme, { rate_limit: 3 });
  const replies: Reply[] = [];
  for (let n = 0; n < 4; n++) {
    replies.push(await api.request("/api/v1/wireguard/peers", withKey(key)));
  }
  assert.deepEqual(replies.map((reply) => reply.status), [200, 200, 200, 429]);
  assert.match(replies[0]?.headers.get("ratelimit") ?? "", /^"api-key";r=2;t=\d+$/);
  const all = await Promise.all(
    Array.from({ length: 60 }, () =>
      api.request("/api/v1/api-keys", {
        token: acme.token,
        body: { name: "x", scopes: ["users.read"] },
      })),
  );
  assert.equal(all.filter((reply) => reply.status === 201).length, 49);
  assert.deepEqual(
    [...new Set(all.filter((reply) => reply.status !== 201).map((reply) => reply.body.code))],
    ["too_many_keys"],
  );
  // What has ended leaves room, and what is revoked gets no new secret.
  const ended: Reply[] = [];
  for (const end of ["revoked_at = now()", "expires_at = created_at + interval '1 ms'"]) {
    const [row] = await api.db.owner.unsafe(`
      update api_keys set ${end} where id = (
        select id from api_keys where revoked_at is null and expires_at is null limit 1) returning id`);
    api.clock.advance(1);
    await makeKey(api, acme);
    ended.push(
      await api.request(`/api/v1/api-keys/${row?.id}/rotate`, { token: acme.token, body: {} }),
    );
    const more = { token: acme.token, body: { name: "x", scopes: ["users.read"] } };
    assert.equal((await api.request("/api/v1/api-keys", more)).body.code, "too_many_keys");
  }
  assert.deepEqual(ended[0]?.body.code, "key_revoked");
});

Deno.test("api keys: one's own, and everybody's by the permission alone, which rotates none", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "b@acme.example", role: "manager" });
  const [hers, his] = [await makeKey(api, acme), await makeKey(api, bob)];
  const ask = async (who: Persona, method: string, path: string, body?: unknown) => {
    const reply = await api.request(`/api/v1/api-keys${path}`, { token: who.token, method, body });
    return reply.body.items?.map(({ id }: { id: string }) => id) ?? reply.body.code ??
      reply.status;
  };
  assert.deepEqual(await ask(bob, "GET", ""), [his.id]);
  // In the order of their ids, which within one millisecond is chance.
  assert.deepEqual(await ask(acme, "GET", ""), [hers.id, his.id].sort());
  for (
    const [method, path] of [
      ...[["GET", ""], ["GET", "/usage"], ["DELETE", ""], ["POST", "/rotate"]],
    ] as const
  ) {
    const body = method === "POST" ? {} : undefined;
    assert.equal(await ask(bob, method, `/${hers.id}${path}`, body), "not_found", method + path);
  }
  assert.equal(await ask(acme, "POST", `/${his.id}/rotate`, {}), "not_found");
  assert.deepEqual([await status(api, hers.key), await status(api, his.key)], [200, 200]);
  assert.equal(await ask(acme, "GET", `/${his.id}`), 200);
  assert.equal(await ask(acme, "DELETE", `/${his.id}`), 200);
  assert.deepEqual([await status(api, hers.key), await status(api, his.key)], [200, 401]);
});

Deno.test("api keys: the operator sees and revokes those of the tenant he names by key:list and key:revoke, and makes none", async () => {
  await using api = await testApi();
  const [acme, globex] = [await adminOf(api, "acme"), await adminOf(api, "globex")];
  const mine = await makeKey(api, acme);
  const other = await makeKey(api, globex);
  const asOperator = clientOf(api);
  const run = async (command: Command, values: Record<string, string>) =>
    (await command.run({ api: asOperator, values, positionals: [] })).text;
  const list = await run(keyList, { tenant: "acme" });
  assert(list.includes(mine.id) && !list.includes(other.id));
  assert(!list.includes(mine.key.split("_")[2] ?? "?"), "the prefix alone");
  await assert.rejects(run(keyRevoke, { tenant: "acme", key: other.id }), /not_found/);
  assert.match(await run(keyRevoke, { tenant: "acme", key: mine.id }), /is revoked$/);
  assert.deepEqual([await status(api, mine.key), await status(api, other.key)], [401, 200]);
  const [entry] = await api.db.owner`
    select actor, actor_user_id from audit_log where action = 'api_key.revoke'`;
  assert.deepEqual({ ...entry }, { actor: "operator", actor_user_id: null });
  const made = await api.request("/api/v1/api-keys", {
    tenant: "acme",
    body: { name: "x", scopes: ["users.read"] },
  });
  assert.equal(made.status, 403);
  assert.equal((await api.request("/api/v1/api-keys")).body.code, "tenant_required");
});
