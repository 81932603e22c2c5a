import assert from "node:assert/strict";
import { systemClock } from "../lib/clock.ts";
import { createLogger } from "../lib/log.ts";
import { FakeClock } from "../tests/support/clock.ts";
import { testDatabase } from "../tests/support/database.ts";
import { checkpointFolder, testSealer } from "../tests/support/sealer.ts";
import { stopwatch } from "../tests/support/stopwatch.ts";
import { turn, until } from "../tests/support/until.ts";
import type { AuditSealer, SealerState } from "./audit_sealer.ts";
import { keepSealing } from "./keep_sealing.ts";
import { lagSeconds } from "./metrics.ts";

Deno.test("keepSealing: D1: an entry is sealed and signed within a second of its commit", async () => {
  await using db = await testDatabase();
  await using folder = await checkpointFolder();
  const [tenant] = await db.owner<[{ id: number }]>`
    insert into tenants (slug, name) values ('acme', 'Acme') returning id`;
  await using given = await testSealer(db, folder.path);
  const stop = new AbortController();
  const log = createLogger({ level: "silent" });
  const kept = keepSealing(given.sealer, { clock: systemClock, log, signal: stop.signal });
  await until("the sealer leads", () => given.sealer.state.leading);
  let lost = 0;
  for (let n = 0; n < 5; n++) {
    const checkpoints = given.sealer.state.checkpoint;
    await db.owner`insert into audit_log (tenant_id, actor, action, outcome)
      values (${tenant.id}, 'operator', 'test.entry', 'succeeded')`;
    using watch = stopwatch();
    await until("it is signed", () => given.sealer.state.checkpoint > checkpoints);
    assert(watch.ms() < 1000, `${watch.ms()} ms`);
    lost = Math.max(lost, watch.lost());
  }
  stop.abort();
  await kept;
  const [row] = await db.owner<[{ longest: number; n: number }]>`
    select extract(epoch from max(sealed_at - entry_at))::float8 as longest, count(*)::integer as n
    from audit_seals`;
  assert.equal(row.n, 5);
  assert(row.longest < 1 + lost / 1000, `${row.longest} s, of which ${lost} ms are the machine's`);
});

/** Of one that leads, and has done nothing yet. */
const stateAt = (clock: FakeClock): SealerState => ({
  leading: true,
  sealedTotal: 0,
  failuresTotal: 0,
  lastRoundAt: clock.now(),
  lastCheckpointAt: 0,
  checkpoint: 0,
  waitedMs: 0,
  unsealed: 0,
  distrust: null,
  misplaced: 0,
});

Deno.test("keepSealing: goes on at once while there is more and then pauses, maintains once an hour while it leads, and ends where the database hangs", async () => {
  const clock = new FakeClock();
  const log = createLogger({ level: "silent" });
  const stop = new AbortController();
  const state = { ...stateAt(clock), leading: false };
  const maintained: number[] = [];
  let rounds = 0;
  const sealer: AuditSealer = {
    state,
    round() {
      rounds++;
      clock.advance(20 * 60_000);
      state.leading = rounds > 3;
      if (rounds > 20) stop.abort();
      return Promise.resolve(rounds < 12);
    },
    maintain: () => Promise.resolve(void maintained.push(rounds)),
    count: () => Promise.resolve(),
  };
  const kept = keepSealing(sealer, { clock, log, signal: stop.signal, pauseMs: 60_000 });
  await until("there is no more", () => rounds >= 12);
  // As many turns as a loop without its pause would need to show itself.
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.equal(rounds, 12);
  stop.abort();
  await kept;
  assert.deepEqual(maintained, [4, 7, 10]);

  const hangs = { ...sealer, round: () => new Promise<never>(() => {}) };
  await assert.rejects(
    keepSealing(hangs, { clock, log, signal: AbortSignal.timeout(5_000), hangMs: 1 }),
    /the database hangs/,
  );
});

Deno.test("keepSealing: D1: what goes on failing is critical after ten seconds, and once a minute", async () => {
  const clock = new FakeClock();
  const lines: { level: string; message: string; reason?: string }[] = [];
  const log = createLogger({ level: "info", clock, write: (line) => lines.push(JSON.parse(line)) });
  const stop = new AbortController();
  let rounds = 0;
  const state = stateAt(clock);
  const sealer: AuditSealer = {
    state,
    round() {
      rounds++;
      clock.advance(5_000);
      if (rounds <= 20) return Promise.reject(new Error("the database is away"));
      if (rounds === 21) state.distrust = "a chain was changed";
      if (rounds === 32) stop.abort();
      return Promise.resolve(true);
    },
    maintain: () => Promise.resolve(),
    count: () => Promise.resolve(),
  };
  const began = clock.now();
  // A failing round is followed by a pause; these are short.
  await keepSealing(sealer, { clock, log, signal: stop.signal, pauseMs: 1 });
  assert.deepEqual(lines.map((line) => [line.level, line.message]), [
    ["critical", "audit entries are not sealed"],
    ["critical", "audit entries are not sealed"],
    ["critical", "audit checkpoints are not signed"],
  ]);
  assert.equal(lines[2]?.reason, "a chain was changed");
  assert.equal(lagSeconds(state, began + 7_000), 7);
});
