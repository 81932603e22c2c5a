import assert from "node:assert/strict";
import { asTenantId } from "../../database/tenancy.ts";
import { adminOf, as, testApi, userOf } from "../../../tests/support/api.ts";
import { until } from "../../../tests/support/until.ts";

const base = "/api/v1/audit";

Deno.test("list: newest first, a page at a time, and of no other tenant", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  for (let n = 0; n < 4; n++) await userOf(api, acme, { email: `u${n}@acme.example` });
  const seen: number[] = [];
  let cursor = "";
  do {
    const page = await api.request(`${base}?limit=3${cursor}`, as(acme));
    assert.equal(page.status, 200, page.text);
    seen.push(...page.body.items.map((entry: { id: number }) => entry.id));
    cursor = page.body.next_cursor === null ? "" : `&cursor=${page.body.next_cursor}`;
  } while (cursor);
  const all = await api.db.owner<{ id: string }[]>`
    select id from audit_log where tenant_id = ${acme.tenantId} order by id desc`;
  assert.deepEqual(seen, all.map((row) => Number(row.id)));
  const theirs = (await api.request(base, as(other))).body.items;
  assert(theirs.length > 0);
  assert(theirs.every((entry: { id: number }) => !seen.includes(entry.id)));
});

Deno.test("list: what one request did is found by an index, and not by reading the log", async () => {
  await using api = await testApi({
    env: { DATABASE_POOL_SIZE: "1" },
    inProcess: "asks the connection that searched what it read",
  });
  const acme = await adminOf(api, "acme");
  await api.db.owner`
    insert into audit_log (tenant_id, actor, action, outcome, request_id)
      select ${acme.tenantId}, 'operator', 'auth.login', 'refused', 'request-' || n from generate_series(1, 20000) n`;
  await api.db.owner`analyze audit_log`;
  const looked = async () => {
    const [row] = await api.db.owner<{ n: number }[]>`
      select coalesce(sum(idx_scan), 0)::integer as n from pg_stat_user_indexes
      where pg_get_indexdef(indexrelid) like '%(tenant_id, request_id)%'`;
    return row?.n ?? 0;
  };
  const before = await looked();
  const page = await api.request(`${base}?request_id=request-700`, as(acme));
  assert.deepEqual(page.body.items.map((entry: { request_id: string }) => entry.request_id), [
    "request-700",
  ]);
  // Left alone, it would tell some ten seconds later.
  await api.deps.tenancy.query(
    asTenantId(acme.tenantId),
    (sql) => sql`select pg_stat_force_next_flush()`,
  );
  await until("the index was used", async () => await looked() > before);
});

Deno.test("list, export: a search looks at a bounded part of the log at a time, goes on where it left off, and misses nothing", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  // Rare in a log of others, at both ends of it and on both sides of where a look ends.
  const rare = new Set([1, 2, 20_000, 20_001, 44_999]);
  await api.db.owner`
    insert into audit_log (tenant_id, actor, action, outcome, target_type, target_id)
    select ${acme.tenantId}, 'operator', 'test.entry', 'succeeded', 'thing',
      case when n = any(${[...rare]}::integer[]) then 'rare' else 'common' end
    from generate_series(1, 45000) n`;
  const expected = (await api.db.owner<{ id: string }[]>`
    select id from audit_log where target_id = 'rare' order by id desc`).map(({ id }) =>
    Number(id)
  );
  assert.equal(expected.length, rare.size);
  for (const more of ["", `&from=${new Date(Date.now() - 86_400_000).toISOString()}`]) {
    const found: number[] = [];
    const pages: number[] = [];
    let cursor = "";
    do {
      const { body } = await api.request(
        `${base}?limit=2&target_id=rare${more}${cursor}`,
        as(acme),
      );
      pages.push(body.items.length);
      found.push(...body.items.map((entry: { id: number }) => entry.id));
      cursor = body.next_cursor === null ? "" : `&cursor=${body.next_cursor}`;
    } while (cursor);
    assert.deepEqual(found, expected);
    assert.deepEqual(pages, [1, 2, 2], "each looks at 20,000");
    const exported = await api.request(
      `${base}/export?format=ndjson&target_id=rare${more}`,
      as(acme),
    );
    const ids = exported.text.trimEnd().split("\n").map((line) => JSON.parse(line).entry.id);
    assert.deepEqual(ids, expected.toReversed());
  }
  const none = await api.request(`${base}?target_id=nobody`, as(acme));
  assert.deepEqual(none.body.items, []);
  assert.notEqual(none.body.next_cursor, null, "not all of it was looked at yet");
});

Deno.test("list: each filter shows what fits it, and nothing else", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  await api.db.owner`
    insert into audit_log (tenant_id, at, actor, action, outcome, peer_id, target_type, target_id, details)
    values (${acme.tenantId}, now() - interval '2 hours', 'daemon', 'wireguard.drift_repaired', 'failed',
      ${"0190a5d0-ac96-774b-bcce-b302099a8057"}, 'wg_peer', 'p1', '{"what": ["a", "b"]}')`;
  const hourAgo = new Date(Date.now() - 3600_000).toISOString();
  const all: Record<string, unknown>[] = (await api.request(`${base}?limit=200`, as(acme))).body
    .items;
  const request = String(all[1]?.request_id);
  const filters: Record<string, (entry: Record<string, unknown>) => boolean> = {
    "actor=daemon": (entry) => entry.actor === "daemon",
    [`actor_user_id=${acme.userId}`]: (entry) => entry.actor_user_id === acme.userId,
    "action=auth.login": (entry) => entry.action === "auth.login",
    "outcome=failed": (entry) => entry.outcome === "failed",
    "target_type=user": (entry) => Object(entry.target).type === "user",
    [`target_id=${bob.userId}`]: (entry) => Object(entry.target).id === String(bob.userId),
    "peer_id=0190a5d0-ac96-774b-bcce-b302099a8057": (entry) => entry.peer_id !== null,
    [`request_id=${request}`]: (entry) => entry.request_id === request,
    [`from=${hourAgo}`]: (entry) => String(entry.at) >= hourAgo,
    [`to=${hourAgo}`]: (entry) => String(entry.at) < hourAgo,
    [`action=auth.login&target_id=${bob.userId}`]: (entry) =>
      entry.action === "auth.login" && Object(entry.target).id === String(bob.userId),
  };
  for (const [filter, fits] of Object.entries(filters)) {
    const expected = all.filter(fits);
    assert(expected.length > 0 && expected.length < all.length, filter);
    const { body } = await api.request(`${base}?limit=200&${filter}`, as(acme));
    assert.deepEqual(body.items, expected, filter);
  }
  const none = await api.request(`${base}?target_id=nobody`, as(acme));
  assert.deepEqual(none.body, { items: [], next_cursor: null });
});

Deno.test("list: shows every actor and outcome that the database takes", async () => {
  await using api = await testApi();
  const { components } = (await api.request("/openapi.json")).body;
  const entry = components.schemas.AuditEntry.properties;
  for (
    const [column, constraint] of [
      ["actor", "audit_log_actor_is_known"],
      ["outcome", "audit_log_outcome_is_known"],
    ] as const
  ) {
    const [row] = await api.db.owner<[{ text: string }]>`
      select pg_get_constraintdef(oid) as text from pg_constraint
      where conname = ${constraint} and conrelid = 'audit_log'::regclass`;
    const known = [...row.text.matchAll(/'([a-z_]+)'/g)].map(([, name]) => name);
    assert(known.length >= 3);
    assert.deepEqual(entry[column].enum.toSorted(), known.toSorted());
  }
});

Deno.test("list, export: bad filters are refused with their field", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bad = {
    limit: "0",
    cursor: btoa("1; drop"),
    actor: "root",
    actor_user_id: "x",
    action: "%",
    outcome: "ok",
    target_type: "",
    target_id: "a%00b",
    peer_id: "1",
    request_id: "x".repeat(201),
    from: "yesterday",
    to: "2026-13-01T00:00:00Z",
  };
  for (const [name, value] of Object.entries(bad)) {
    const reply = await api.request(`${base}?${name}=${value}`, as(acme));
    assert.deepEqual([reply.status, reply.body.errors?.[0]?.path], [422, name], reply.text);
  }
  const moments = [
    "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00%2B14:00",
    "2026-01-01T00:00:00%2B16:00",
    "9999-12-31T23:59:59-23:59",
    `2026-01-01T00:00:00.${"0".repeat(150)}Z`,
  ];
  for (const moment of moments) {
    for (const path of ["?from=", "?to=", "/export?format=csv&from="]) {
      const reply = await api.request(`${base}${path}${moment}`, as(acme));
      assert.deepEqual([reply.status, reply.body?.code], [422, "invalid_input"], reply.text);
    }
  }
  for (const moment of ["0001-01-03T00:00:00%2B15:59", "9999-12-31T23:59:59.999999-15:59"]) {
    assert.equal((await api.request(`${base}?from=${moment}`, as(acme))).status, 200, moment);
  }
  for (const format of ["", "?format=xml", "?format=csv&actor=root"]) {
    const reply = await api.request(`${base}/export${format}`, as(acme));
    assert.equal(reply.status, 422, reply.text);
  }
});

Deno.test("audit: the operator names the tenant that it looks at", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  assert.equal((await api.request(base)).body.code, "tenant_required");
  const { items } = (await api.request(base, { tenant: "acme" })).body;
  assert.equal(items.at(-1).target.id, String(acme.tenantId));
});
