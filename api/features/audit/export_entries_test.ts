import assert from "node:assert/strict";
import { canonicalEntry } from "../../../lib/audit/entry.ts";
import { genesis, hashLink } from "../../../lib/audit/chain.ts";
import { sha256Hex } from "../../../lib/audit/canonical.ts";
import { receiptHolds, receiptSchema } from "../../../lib/audit/checkpoint.ts";
import { adminOf, as, testApi, userOf } from "../../../tests/support/api.ts";
import { fillAuditLog, readExport } from "../../../tests/support/audit_export.ts";
import { checkpointFolder, testSealer } from "../../../tests/support/sealer.ts";
import { until } from "../../../tests/support/until.ts";
import { exportsAtOnce, stalledMs } from "./running_exports.ts";

const base = "/api/v1/audit";
const path = `${base}/export?format=ndjson`;
const inProcess = "counts what its exports read and hold";

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

Deno.test("export: D1: however many and however long the entries, each holds two batches of bounded bytes, and no more", async () => {
  await using api = await testApi({ inProcess });
  const { tenancy } = api.deps;
  const query = tenancy.query.bind(tenancy);
  let [read, delivered, most] = [0, 0, 0];
  tenancy.query = async (tenant, statement) => {
    const rows = await query(tenant, statement);
    for (const row of rows) read += String(Object(row).details ?? "").length;
    most = Math.max(most, read - delivered);
    return rows;
  };
  const long = 100 * 1024;
  const each = 30;
  const responses: Response[] = [];
  for (const slug of ["acme", "other", "third"]) {
    const admin = await adminOf(api, slug);
    await api.db.owner`
      insert into audit_log (tenant_id, actor, action, outcome, details)
      select ${admin.tenantId}, 'operator', 'test.entry', 'succeeded',
        case when n % 3 = 0 then jsonb_build_object('text', repeat('x', ${long}::integer)) else '{}' end
      from generate_series(1, ${3 * each}::integer) n`;
    for (let n = 0; n < exportsAtOnce; n++) responses.push(await api.fetch(path, as(admin)));
  }
  await until(
    "each has read what it may without being read",
    () => read >= responses.length * long,
  );
  const readAll = async (body: Response["body"]) => {
    let lines = 0;
    for await (const part of body ?? assert.fail("no body")) {
      delivered += part.length;
      for (const byte of part) if (byte === 10) lines++;
    }
    return lines;
  };
  const lines = await Promise.all(responses.map(({ body }) => readAll(body)));
  assert(lines.every((n) => n > 3 * each), `${lines}`);
  assert(delivered > responses.length * each * long);
  const bound = responses.length * 2 * 128 * 1024;
  assert(most <= bound, `${most} bytes were held, of ${bound}`);
});

Deno.test("export: a tenant has two at a time; one that nobody reads gives way after a minute, one that ended at once", async () => {
  await using api = await testApi({ inProcess });
  const acme = await adminOf(api, "acme");
  await api.db.owner`
    insert into audit_log (tenant_id, actor, action, outcome)
    select ${acme.tenantId}, 'operator', 'test.entry', 'succeeded' from generate_series(1, 3000)`;
  const begin = () => api.fetch(path, as(acme));
  const first = await begin();
  const second = await begin();
  const third = await api.request(path, as(acme));
  assert.deepEqual([third.status, third.body.code], [429, "rate_limited"], third.text);
  assert.equal(third.headers.get("retry-after"), "10");
  const [entries] = await api.db.owner<[{ n: number }]>`
    select count(*)::integer as n from audit_log where action = 'audit.export'`;
  assert.equal(entries.n, 2);
  // Another tenant's are its own.
  const other = await adminOf(api, "other");
  assert.equal((await api.request(path, as(other))).status, 200);

  await second.body?.cancel();
  const fourth = await begin();
  assert.equal(fourth.status, 200);
  api.clock.advance(stalledMs);
  const fifth = await api.request(path, as(acme));
  assert.equal(fifth.status, 200);
  await assert.rejects(first.text());
  assert((await fourth.text()).length > 3000, "the newer one goes on");
  const sixth = await api.request(path, as(acme));
  assert.equal(sixth.status, 200, "all places are free again");
});

Deno.test("export: A1: one under way breaks off when whoever began it may export no longer", async () => {
  await using api = await testApi({ inProcess });
  const acme = await adminOf(api, "acme");
  await api.db.owner`
    insert into audit_log (tenant_id, actor, action, outcome)
    select ${acme.tenantId}, 'operator', 'test.entry', 'succeeded' from generate_series(1, 3000)`;
  const { tenantId } = acme;
  const ends: Record<string, (user: { token: string; userId: number }) => Promise<unknown>> = {
    "logged out": (user) => api.request("/api/v1/auth/logout", { ...as(user), method: "POST" }),
    "deactivated": ({ userId }) =>
      api.request(`/api/v1/users/${userId}/deactivate`, as(acme, { method: "POST" })),
    "without the role": ({ userId }) =>
      api.db.owner`delete from user_roles where tenant_id = ${tenantId} and user_id = ${userId}`,
    "nothing": () => Promise.resolve(),
  };
  for (const [name, end] of Object.entries(ends)) {
    const user = await userOf(api, acme, {
      email: `${name.replaceAll(" ", "-")}@acme.example`,
      role: "admin",
    });
    const reader = (await api.fetch(path, as(user))).body?.getReader() ?? assert.fail("no body");
    await reader.read();
    await end(user);
    api.clock.advance(500);
    const rest = (async () => {
      for (;;) if ((await reader.read()).done) return;
    })();
    if (name === "nothing") await rest;
    else await assert.rejects(rest, { message: /no longer/ }, name);
  }
});
