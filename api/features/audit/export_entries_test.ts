import assert from "node:assert/strict";
import { adminOf, as, testApi, userOf } from "../../../tests/support/api.ts";
import { until } from "../../../tests/support/until.ts";
import { exportsAtOnce, stalledMs } from "./running_exports.ts";

const path = "/api/v1/audit/export?format=ndjson";
const inProcess = "counts what its exports read and hold";

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
