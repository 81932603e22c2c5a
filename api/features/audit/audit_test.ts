import assert from "node:assert/strict";
import { canonicalEntry } from "../../../lib/audit/entry.ts";
import { genesis, hashLink } from "../../../lib/audit/chain.ts";
import { sha256Hex } from "../../../lib/audit/canonical.ts";
import { receiptHolds, receiptSchema } from "../../../lib/audit/checkpoint.ts";
import { asTenantId } from "../../database/tenancy.ts";
import { adminOf, as, testApi, userOf } from "../../../tests/support/api.ts";
import { fillAuditLog, readExport } from "../../../tests/support/audit_export.ts";
import { until } from "../../../tests/support/until.ts";
import { checkpointFolder, testSealer } from "../../../tests/support/sealer.ts";

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
  for (const moment of ["0000-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00"]) {
    for (const path of ["?from=", "?to=", "/export?format=csv&from="]) {
      const reply = await api.request(`${base}${path}${moment}`, as(acme));
      assert.deepEqual([reply.status, reply.body?.code], [422, "invalid_input"], reply.text);
    }
  }
  for (const format of ["", "?format=xml", "?format=csv&actor=root"]) {
    const reply = await api.request(`${base}/export${format}`, as(acme));
    assert.equal(reply.status, 422, reply.text);
  }
});

Deno.test("export: D1: every line of NDJSON has the bytes that are hashed, and the chain can be followed from them", async () => {
  await using api = await testApi();
  await using folder = await checkpointFolder();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  // More than is read at a time.
  await api.db.owner`
    insert into audit_log (tenant_id, actor, action, outcome, details)
    select ${acme.tenantId}, 'operator', 'test.entry', 'succeeded', jsonb_build_object('b', n, 'a', '=1+1')
    from generate_series(1, 2500) n`;
  await using sealer = await testSealer(api.db, folder.path);
  await sealer.seal();
  const reply = await api.request(`${base}/export?format=ndjson`, as(acme));
  assert.equal(reply.headers.get("content-type"), "application/x-ndjson");
  const lines = reply.text.trimEnd().split("\n");
  const [count] = await api.db.owner<[{ n: number }]>`
    select count(*)::integer - 1 as n from audit_log where tenant_id = ${acme.tenantId}`;
  assert.equal(lines.length, count.n, "all but the entry of the export itself");
  let previous = genesis;
  for (const line of lines) {
    const { entry, seal } = JSON.parse(line);
    const bytes = line.slice('{"entry":'.length, line.indexOf(',"seal":'));
    assert.equal(
      bytes,
      canonicalEntry({ ...entry, id: String(entry.id), details: JSON.stringify(entry.details) }),
    );
    assert.equal(sha256Hex(bytes), seal.entry_hash);
    const { hash, ...link } = seal;
    const { tenant_id } = entry;
    previous = hashLink({
      ...link,
      tenant_id,
      entry_id: String(entry.id),
      entry_at: entry.at,
      previous,
    });
    assert.equal(hash, previous);
  }
  const { receipt } = (await api.request(`${base}/verify`, as(acme))).body.checkpoint;
  assert.equal(receipt.leaf.hash, previous);
  assert(await receiptHolds(receiptSchema.parse(receipt)));
});

Deno.test("export: CSV with its head, filtered, and itself in the log", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const reply = await api.request(`${base}/export?format=csv&target_id=${bob.userId}`, as(acme));
  assert.equal(reply.status, 200, reply.text);
  assert.equal(reply.headers.get("content-type"), "text/csv; charset=utf-8; header=present");
  const day = new Date(api.clock.now()).toISOString().slice(0, 10);
  assert.equal(
    reply.headers.get("content-disposition"),
    `attachment; filename="audit-${acme.tenantId}-${day}.csv"`,
  );
  const [head, ...lines] = reply.text.trimEnd().split("\r\n");
  assert.match(head ?? "", /^id,at,actor,.*,details,seq,hash$/);
  assert.equal(lines.length, 2);
  const [entry] = await api.db.owner`
    select action, outcome, actor_user_id, details from audit_log where request_id = ${
    reply.headers.get("x-request-id")
  }`;
  assert.deepEqual([entry?.action, entry?.outcome, entry?.actor_user_id], [
    "audit.export",
    "succeeded",
    acme.userId,
  ]);
  assert.deepEqual(entry?.details.filters, { target_id: String(bob.userId) });
});

Deno.test("export: asks for a step-up, of every user and of no operator, and takes no key", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const made = await api.request("/api/v1/api-keys", {
    token: acme.token,
    body: { name: "key", scopes: ["audit.export"] },
  });
  const path = `${base}/export?format=csv`;
  assert.equal((await api.request(path, as(acme))).status, 200);
  const key = await api.request(path, { headers: { "x-api-key": made.body.key } });
  assert.deepEqual([key.status, key.body.code], [403, "step_up_required"]);
  api.clock.advance(5 * 60_000 + 1);
  const late = await api.request(path, as(acme));
  assert.deepEqual([late.status, late.body.code], [403, "step_up_required"]);
  assert.equal((await api.request(path, { tenant: "acme" })).status, 200);
});

Deno.test("export: D1: a long log comes a batch at a time, in memory that does not grow with it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await fillAuditLog(api.db.owner, acme.tenantId, 20_000);
  for (const format of ["csv", "ndjson"] as const) {
    const { lines, bytes, largest } = await readExport(api, acme, format);
    assert(lines > 20_000 && bytes > 3_000_000, `${lines} lines`);
    // What is in memory at a time is a batch of some hundred entries, whatever the length of the log.
    assert(largest < bytes / 10, `${largest} of ${bytes} bytes at once`);
  }
});

Deno.test("list, export, verify: D1: the longest entries come in parts of a bounded size, and none is longer", async () => {
  await using api = await testApi();
  await using folder = await checkpointFolder();
  const acme = await adminOf(api, "acme");
  const fill = (bytes: number, entries: number) =>
    api.db.owner`
      insert into audit_log (tenant_id, actor, action, outcome, details)
      select ${acme.tenantId}, 'operator', 'test.entry', 'succeeded',
        jsonb_build_object('n', n, 'text', repeat('x', ${bytes}::integer))
      from generate_series(1, ${entries}::integer) n`;
  await assert.rejects(fill(128 * 1024, 1), /audit_log_details_are_bounded/);
  const long = 120 * 1024;
  await fill(long, 60);
  for (const format of ["csv", "ndjson"] as const) {
    const { lines, bytes, largest } = await readExport(api, acme, format);
    assert(lines > 60 && bytes > 60 * long, `${lines} lines`);
    assert(largest < 3 * long, `${largest} bytes in one go`);
  }
  let [cursor, seen] = ["", 0];
  do {
    const page = await api.request(`${base}?limit=200${cursor}`, as(acme));
    assert(page.text.length < 1024 * 1024 + long, `${page.text.length}`);
    const { items, next_cursor } = page.body;
    seen += items.filter((entry: { action: string }) => entry.action === "test.entry").length;
    cursor = next_cursor === null ? "" : `&cursor=${next_cursor}`;
  } while (cursor);
  assert.equal(seen, 60);
  await using sealer = await testSealer(api.db, folder.path);
  await sealer.seal();
  const verification = await api.request(`${base}/verify`, as(acme));
  assert.equal(verification.body.intact, true, verification.text);
});

Deno.test("export: a client that goes away stops it, and holds no connection while it does not read", async () => {
  await using api = await testApi({ env: { DATABASE_POOL_SIZE: "1" } });
  const acme = await adminOf(api, "acme");
  await api.db.owner`
    insert into audit_log (tenant_id, actor, action, outcome)
    select ${acme.tenantId}, 'operator', 'test.entry', 'succeeded' from generate_series(1, 5000)`;
  const response = await api.fetch(`${base}/export?format=csv`, as(acme));
  const reader = response.body?.getReader() ?? assert.fail();
  await reader.read();
  // The one connection serves others meanwhile.
  assert.equal((await api.request(`${base}?limit=1`, as(acme))).status, 200);
  await reader.cancel();
  assert.equal((await api.request(`${base}?limit=1`, as(acme))).status, 200);
});

Deno.test("verify: D1: a tenant sees its own chain hold, and what was done to it; never another's", async () => {
  await using api = await testApi();
  await using folder = await checkpointFolder();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const empty = (await api.request(`${base}/verify`, as(acme))).body;
  assert.deepEqual([empty.intact, empty.links, empty.checkpoint], [true, 0, null]);
  await using sealer = await testSealer(api.db, folder.path);
  await sealer.seal();
  const good = (await api.request(`${base}/verify`, as(acme))).body;
  assert.deepEqual([good.intact, good.fault_count, good.checkpoint.holds], [true, 0, true]);
  assert.equal(good.links, good.end.seq);
  const { items } = (await api.request(base, as(acme))).body;
  assert.deepEqual(items[0].seal, good.end);

  await api.db.owner`
    update audit_log set outcome = 'refused' where tenant_id = ${acme.tenantId} and action = 'tenant.create'`;
  const altered = (await api.request(`${base}/verify`, as(acme))).body;
  assert.deepEqual([altered.intact, altered.faults[0].kind, altered.faults[0].seq], [
    false,
    "altered",
    1,
  ]);
  assert(api.log.some((line) => JSON.parse(line).level === "critical"));
  assert.equal((await api.request(`${base}/verify`, as(other))).body.intact, true);

  const forged = { ...good.checkpoint.receipt, leaf: { ...good.checkpoint.receipt.leaf, seq: 1 } };
  // Its own leaf, as it is, with a statement that nobody signed.
  const theirs = (await api.request(`${base}/verify`, as(other))).body.checkpoint.receipt;
  const unsigned = { ...theirs, statement: { ...theirs.statement, n: 99 } };
  for (const receipt of [unsigned, forged, {}, { leaf: null }]) {
    await api.db.owner`
      update audit_chains set receipt = ${
      api.db.owner.json(receipt)
    } where tenant_id = ${other.tenantId}`;
    const reply = await api.request(`${base}/verify`, as(other));
    assert.deepEqual([reply.status, reply.body.intact], [200, false], reply.text);
  }
});

Deno.test("verify: many at once are one verification, and each gets its answer", async () => {
  await using api = await testApi();
  await using folder = await checkpointFolder();
  const acme = await adminOf(api, "acme");
  await using sealer = await testSealer(api.db, folder.path);
  await sealer.seal();
  const replies = await Promise.all(
    Array.from({ length: 20 }, () => api.request(`${base}/verify`, as(acme))),
  );
  assert.deepEqual(new Set(replies.map((reply) => reply.body.intact)), new Set([true]));
});

Deno.test("audit: the operator names the tenant that it looks at", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  assert.equal((await api.request(base)).body.code, "tenant_required");
  const { items } = (await api.request(base, { tenant: "acme" })).body;
  assert.equal(items.at(-1).target.id, String(acme.tenantId));
});
