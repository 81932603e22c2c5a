import assert from "node:assert/strict";
import { tenantTables } from "../../tests/db/catalog.ts";
import { testApi } from "../../tests/support/api.ts";
import { seedTenant } from "../../tests/support/seed.ts";
import { until } from "../../tests/support/until.ts";
import { createRetention } from "./mod.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

/** What goes by time alone, and after how long; all else in a tenant stays, or has a timer elsewhere. */
const ends = [
  ["login_challenges", 5 * minute],
  ["mfa_pending_factors", 15 * minute],
  ["one_time_tokens", 60 * minute],
  ["registrations", 61 * minute],
  ["idempotency_keys", day + 1],
  ["mfa_trusted_devices", 30 * day],
  ["invitations", 31 * day + 1],
] as const;

Deno.test("retention: what has ended is forgotten in every tenant, each in its time, and nothing else", async (t) => {
  const inProcess = "asks the retention of this process";
  await using api = await testApi({ inProcess });
  const { owner } = api.db;
  for (const slug of ["alpha", "beta"]) await seedTenant(owner, slug);
  const tables = await tenantTables(owner);
  const counts = async () => {
    const found: Record<string, number> = {};
    for (const { name } of tables) {
      const [row] = await owner`select count(*)::integer as n from ${owner(name)}`;
      found[name] = row?.n;
    }
    return found;
  };
  const retention = createRetention(api.deps);
  let elapsed = 0;
  const passTo = (ms: number) => {
    api.clock.advance(ms - elapsed);
    elapsed = ms;
  };
  await t.step("sessions, a month after their own end", async () => {
    for (const days of [29, 31]) {
      await owner`
        insert into sessions (tenant_id, id, user_id, refresh_rotated_at, refresh_expires_at, created_at,
          last_seen_at, expires_at, user_agent)
        select tenant_id, gen_random_uuid(), id, end_at, end_at, end_at - interval '1 day', end_at, end_at,
          ${`${days} days`}
        from users, lateral (select now() - ${days} * interval '1 day' as end_at) t`;
    }
    await retention.forget();
    const kept = await owner`select user_agent from sessions order by user_agent`;
    assert.deepEqual(kept.map((row) => row.user_agent), ["", "", "29 days", "29 days"]);
  });
  const before = await counts();

  for (const [table, after] of ends) {
    await t.step(table, async () => {
      // Rows were made by the database's clock, a moment after this one began.
      passTo(after - minute / 2);
      await retention.forget();
      assert.equal((await counts())[table], before[table], "not before");
      passTo(after + minute / 2);
      await Promise.all(Array.from({ length: 4 }, () => retention.forget()));
      assert.equal((await counts())[table], 0);
    });
  }
  await t.step("and nothing else", async () => {
    const after = await counts();
    const changed = Object.keys(before).filter((name) => after[name] !== before[name]);
    assert.deepEqual(changed.toSorted(), ends.map(([name]) => name).toSorted());
  });
  await t.step("again and again, past a tenant whose rows do not go", async () => {
    const [alpha, beta] = await owner<{ id: number }[]>`
      select id from tenants where slug in ('alpha', 'beta') order by slug`;
    await owner`
      insert into registrations (tenant_id, token_digest, email, name, locale, password_hash, created_at, expires_at)
      select id, sha256('late'), 'a@b.example', '', 'en', '$argon2id$', now(), now() + interval '1 hour'
      from tenants where slug in ('alpha', 'beta')`;
    await owner.unsafe(`
      create function refuse() returns trigger language plpgsql as $$ begin raise 'stuck'; end $$;
      create trigger refuse before delete on registrations for each row
        when (old.tenant_id = ${alpha?.id}) execute function refuse()`);
    const left = async () =>
      (await owner`select tenant_id from registrations order by tenant_id`).map((row) =>
        row.tenant_id
      );
    const rounds = createRetention({ ...api.deps, everyMs: 20 });
    assert.deepEqual(await left(), [alpha?.id, beta?.id]);
    rounds.start();
    await until("the other tenant's is forgotten", async () => (await left()).length === 1);
    assert.deepEqual(await left(), [alpha?.id]);
    await until("it is said", () => api.log.some((line) => line.includes("is not forgotten")));
    await owner`drop trigger refuse on registrations`;
    await until("then its own", async () => (await left()).length === 0);
    await rounds.close();
  });
});
