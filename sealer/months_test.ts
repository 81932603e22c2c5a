import assert from "node:assert/strict";
import { connect } from "../db/connection.ts";
import { genesis, hashLink } from "../lib/audit/chain.ts";
import type { Leaf } from "../lib/audit/checkpoint.ts";
import { hashEntry } from "../lib/audit/entry.ts";
import { type TestDatabase, testDatabase } from "../tests/support/database.ts";
import { checkpointFolder, testSealer, verify } from "../tests/support/sealer.ts";
import { retain, retentionCut } from "./months.ts";

/** The first instant of a month before this one. */
const monthsAgo = (months: number) => retentionCut(Date.now(), months);
const stamp = (months: number, day: number) =>
  new Date(monthsAgo(months).getTime() + day * 86400_000).toISOString().replace("Z", "000Z");

/** A tenant whose entries were written and sealed months ago: `[written, sealed]` as months and days each. */
async function longAgo(
  db: TestDatabase,
  entries: [[number, number], [number, number]][],
): Promise<number> {
  const [tenant] = await db.owner<[{ id: number }]>`
    insert into tenants (slug, name) values ('acme', 'Acme') returning id`;
  for (const months of [4, 3]) {
    for (const parent of ["audit_log", "audit_seals"]) {
      const month = monthsAgo(months).toISOString().slice(0, 7).replace("-", "_");
      await db.owner.unsafe(`
        create table ${parent}_${month} partition of ${parent}
          for values from ('${stamp(months, 0)}') to ('${monthsAgo(months - 1).toISOString()}')`);
    }
  }
  let end = { seq: 0, hash: genesis };
  for (const [index, [written, sealed]] of entries.entries()) {
    const entry = {
      tenant_id: tenant.id,
      id: String(index + 1),
      at: stamp(...written),
      actor: "operator",
      actor_user_id: null,
      action: "test.old",
      outcome: "succeeded",
      target_type: null,
      target_id: null,
      request_id: null,
      peer_id: null,
      address: null,
      details: "{}",
    };
    const seal = {
      seq: end.seq + 1,
      entry_id: entry.id,
      entry_at: entry.at,
      entry_hash: hashEntry(entry),
      sealed_at: stamp(...sealed),
    };
    const hash = hashLink({ ...seal, tenant_id: tenant.id, previous: end.hash });
    await db.owner`
      insert into audit_log (tenant_id, id, at, actor, action, outcome) overriding system value
      values (${tenant.id}, ${entry.id}::text::bigint, ${entry.at}::text::timestamptz, 'operator', 'test.old',
        'succeeded')`;
    await db.owner`
      insert into audit_seals (tenant_id, seq, entry_id, entry_at, entry_hash, sealed_at, hash)
      values (${tenant.id}, ${seal.seq}, ${entry.id}::text::bigint, ${entry.at}::text::timestamptz,
        decode(${seal.entry_hash}, 'hex'), ${seal.sealed_at}::text::timestamptz, decode(${hash}, 'hex'))`;
    end = { seq: seal.seq, hash };
  }
  await db.owner`
    insert into audit_chains (tenant_id, seq, hash, sealed_at)
    values (${tenant.id}, ${end.seq}, decode(${end.hash}, 'hex'), now() - interval '10 days')`;
  await db.owner`alter table audit_log alter id restart with 1000`;
  return tenant.id;
}

const countOf = async (db: TestDatabase, tenant: number) => {
  const [row] = await db.owner<[{ entries: number; links: number }]>`
    select (select count(*)::integer from audit_log where tenant_id = ${tenant}) as entries,
      (select count(*)::integer from audit_seals where tenant_id = ${tenant}) as links`;
  return { ...row };
};

Deno.test("maintain: D1: months past their retention are dropped whole, and the chain still verifies", async (t) => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const acme = await longAgo(db, [
    [[4, 1], [4, 1]],
    [[4, 2], [4, 2]],
    // Written on the last day of the month, and committed in the next one.
    [[3, 0], [3, 0]],
    [[4, 20], [3, 1]],
    [[3, 2], [3, 2]],
  ]);
  await db.owner`
    insert into audit_log (tenant_id, actor, action, outcome)
    values (${acme}, 'operator', 'test.new', 'succeeded')`;
  const given = await testSealer(db, folder.path, { retentionMonths: 3 });
  await given.seal();
  assert.equal((await verify(db, folder.path)).intact, true);
  assert.deepEqual(await countOf(db, acme), { entries: 6, links: 6 });

  await t.step("while somebody reads, nothing is dropped, though it is announced", async () => {
    const reader = await db.owner.reserve();
    await reader`begin`;
    await reader`select from audit_log limit 1`;
    await given.sealer.maintain();
    await reader`rollback`;
    reader.release();
    assert.deepEqual(await countOf(db, acme), { entries: 6, links: 6 });
    assert.match(given.log.join(), /could not be dropped yet/);
    assert.equal((await verify(db, folder.path)).intact, true);
  });
  await t.step("the chain begins behind its floor, and a late entry's link stays", async () => {
    await given.sealer.maintain();
    assert.deepEqual(await countOf(db, acme), { entries: 3, links: 4 });
    const report = await verify(db, folder.path);
    const [chain] = report.tenants;
    assert.deepEqual([report.intact, chain?.links, chain?.dropped, chain?.end?.seq], [
      true,
      4,
      1,
      6,
    ]);
  });
  await t.step("it goes on being sealed and signed, by the next sealer as well", async () => {
    const before = given.sealer.state.checkpoint;
    await given.sealer.maintain();
    assert.equal(given.sealer.state.checkpoint, before);
    await given[Symbol.asyncDispose]();
    await using next = await testSealer(db, folder.path, { retentionMonths: 3 });
    await db.owner`
      insert into audit_log (tenant_id, actor, action, outcome)
      values (${acme}, 'operator', 'test.new', 'succeeded')`;
    await next.seal();
    assert.deepEqual([next.sealer.state.distrust, next.sealer.state.checkpoint], [
      null,
      before + 1,
    ]);
    assert.equal((await verify(db, folder.path)).intact, true);
  });
  await t.step(
    "begun anew, with checkpoints of its own, it still begins behind its floor",
    async () => {
      await using evidence = await checkpointFolder();
      for await (const { name } of Deno.readDir(folder.path)) {
        if (!name.endsWith(".jsonl")) continue;
        await Deno.rename(`${folder.path}/${name}`, `${evidence.path}/${name}`);
      }
      await Deno.writeTextFile(`${folder.path}/restart`, "");
      await using next = await testSealer(db, folder.path, { retentionMonths: 3 });
      await next.seal();
      assert.deepEqual([next.sealer.state.distrust, next.sealer.state.checkpoint], [null, 1]);
      assert.equal((await verify(db, folder.path)).intact, true);
    },
  );
  await t.step("what is taken away beyond it is found", async () => {
    await db.owner`delete from audit_log where id = 5`;
    const report = await verify(db, folder.path);
    assert.deepEqual(report.tenants[0]?.faults, [{ kind: "missing", seq: 5, entry_id: "5" }]);
  });
});

Deno.test("audit_drop_partitions: D1: what was not sealed is not dropped", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const acme = await longAgo(db, [[[4, 1], [4, 1]]]);
  await db.owner`
    insert into audit_log (tenant_id, id, at, actor, action, outcome) overriding system value
    values (${acme}, 50, ${stamp(4, 3)}::text::timestamptz, 'operator', 'test.old', 'succeeded')`;
  await using given = await testSealer(db, folder.path);
  const drop = given.sql`select audit_drop_partitions(${stamp(3, 0)}::text::timestamptz)`;
  await assert.rejects(
    drop,
    (error: { constraint_name?: string }) =>
      error.constraint_name === "audit_retention_keeps_what_is_not_sealed",
  );
  assert.deepEqual(await countOf(db, acme), { entries: 2, links: 1 });
});

Deno.test("audit_make_partitions: months ahead are there, and one that is missing loses nothing", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const [tenant] = await db.owner<[{ id: number }]>`
    insert into tenants (slug, name) values ('acme', 'Acme') returning id`;
  const partitions = async () =>
    (await db.owner<{ name: string }[]>`
      select inhrelid::regclass::text as name from pg_inherits
      where inhparent = 'audit_log'::regclass order by 1`).map((row) => row.name);
  // Of the month in which this database was migrated, which may be over by now.
  const [migrated] = await db.owner<[{ at: Date }]>`
    select max(applied_at) as at from schema_migrations`;
  for (const ahead of [0, -1, -2, -3]) {
    const month = retentionCut(migrated.at.getTime(), ahead).toISOString().slice(0, 7)
      .replace("-", "_");
    assert((await partitions()).includes(`audit_log_${month}`), month);
  }
  const current = `audit_log_${monthsAgo(0).toISOString().slice(0, 7).replace("-", "_")}`;
  const next = `audit_log_${monthsAgo(-1).toISOString().slice(0, 7).replace("-", "_")}`;
  await db.owner.unsafe(`drop table ${current}; drop table ${next}`);
  await db.owner`
    insert into audit_log (tenant_id, actor, action, outcome)
    values (${tenant.id}, 'operator', 'test.new', 'succeeded')`;
  await using given = await testSealer(db, folder.path);
  await given.seal();
  await given.sealer.maintain();
  // The month that has rows already stays where they are, and the other one is made.
  assert.equal((await partitions()).includes(current), false);
  assert((await partitions()).includes(next));
  assert.equal(given.sealer.state.misplaced, 1);
  assert.match(given.log.join(), /lie in no month of their own/);
  assert.equal((await verify(db, folder.path)).intact, true);
});

Deno.test("maintain: D1: of a log that is not trusted nothing is dropped", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const acme = await longAgo(db, [[[4, 1], [4, 1]], [[3, 1], [3, 1]]]);
  const add = () =>
    db.owner`
      insert into audit_log (tenant_id, actor, action, outcome)
      values (${acme}, 'operator', 'test.new', 'succeeded')`;
  await using given = await testSealer(db, folder.path, { retentionMonths: 3 });
  await given.seal();
  await db.owner`update audit_chains set hash = sha256('mine')`;
  await add();
  await given.seal();
  assert.notEqual(given.sealer.state.distrust, null);
  await given.sealer.maintain();
  assert.deepEqual(await countOf(db, acme), { entries: 3, links: 3 });
  assert.equal(given.sealer.state.checkpoint, 1, "nor is it announced");
});

Deno.test("round: with a clock that was set back, no link is sealed before the one before it", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const acme = await longAgo(db, [[[0, 0], [-1, 1]]]);
  await db.owner`update audit_chains set sealed_at = (select max(sealed_at) from audit_seals)`;
  await db.owner`
    insert into audit_log (tenant_id, actor, action, outcome)
    values (${acme}, 'operator', 'test.new', 'succeeded')`;
  await using given = await testSealer(db, folder.path);
  await given.seal();
  const links = await db.owner`
    select seq::int, sealed_at = (select max(sealed_at) from audit_seals where seq = 1) as same
    from audit_seals order by seq`;
  assert.deepEqual(links.map(({ seq, same }) => [seq, same]), [[1, true], [2, true]]);
});

Deno.test("retain: D1: what was announced for one chain stays so, where less is to be dropped now", async () => {
  await using db = await testDatabase();
  const acme = await longAgo(db, [[[4, 1], [4, 1]]]);
  const leaf = { tenant_id: acme, seq: 1, hash: genesis, floor_seq: 0, floor_hash: genesis };
  const later = `${monthsAgo(2).toISOString().slice(0, 19)}.000000Z`;
  const signed: (string | null)[] = [];
  const sql = connect(db.url("massacorp_sealer"), { max: 1, applicationName: "test" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  await retain(sql, {
    months: 3,
    now: Date.now(),
    leaves: [{ ...leaf, cut: later }, { ...leaf, tenant_id: acme + 1, cut: null }],
    sign: (leaves) => Promise.resolve(void signed.push(...leaves.map(({ cut }) => cut))),
  });
  assert.deepEqual(signed, [later, `${monthsAgo(3).toISOString().slice(0, 19)}.000000Z`]);
});

Deno.test("retain: D1: nothing is announced where nothing is to be dropped, and the floor of a chain never goes back", async () => {
  await using db = await testDatabase();
  const acme = await longAgo(db, [[[4, 1], [4, 1]]]);
  const leaf = { tenant_id: acme, seq: 9, hash: genesis, floor_hash: genesis, cut: null };
  const sql = connect(db.url("massacorp_sealer"), { max: 1, applicationName: "test" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  const announced = async (months: number, floor_seq: number) => {
    const signed: Leaf[] = [];
    await retain(sql, {
      months,
      now: Date.now(),
      leaves: [{ ...leaf, floor_seq }],
      sign: (leaves) => Promise.resolve(void signed.push(...leaves)),
    });
    return signed.map((each) => each.floor_seq);
  };
  assert.deepEqual(await announced(60, 0), []);
  // More was sealed than is there, two of which are older than the cut.
  assert.deepEqual(await announced(3, 7), [7]);
});
