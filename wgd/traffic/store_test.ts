import assert from "node:assert/strict";
import { connect, type Sql } from "../../db/connection.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { type SeededTenant, seedInterface, seedTenant } from "../../tests/support/seed.ts";
import { until } from "../../tests/support/until.ts";
import { type Account, emptyAccount, type PeerEvent } from "./account.ts";
import type { Entry } from "./ledger.ts";
import { claimTraffic, readTraffic, trimEvents, writeTraffic } from "./store.ts";

const at = Date.UTC(2026, 0, 1);

interface World extends AsyncDisposable {
  owner: Sql;
  /** As the daemon's role. */
  sql: Sql;
  a: SeededTenant;
  b: SeededTenant;
  rows(): Promise<Record<string, unknown>[]>;
}

async function world(): Promise<World> {
  await using undo = new AsyncDisposableStack();
  const db = undo.use(await testDatabase());
  await seedInterface(db.owner);
  const a = await seedTenant(db.owner, "alpha");
  const b = await seedTenant(db.owner, "beta");
  await db.owner`delete from wg_peer_traffic`;
  const sql = connect(db.url("massacorp_wgd"), { max: 2, applicationName: "test-wgd" });
  undo.defer(() => sql.end());
  const owned = undo.move();
  return {
    owner: db.owner,
    sql,
    a,
    b,
    rows: async () => [
      ...await db.owner`
      select peer_id, received_bytes::int, sent_bytes::int, events::int,
        (select string_agg(e.n || ' ' || e.kind, ', ' order by e.n) from wg_peer_events e
          where e.tenant_id = t.tenant_id and e.peer_id = t.peer_id) as noted
      from wg_peer_traffic t order by tenant_id`,
    ],
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** As the first gateway's daemon. */
async function write(sql: Sql, entries: Entry[]): Promise<Set<string>> {
  await claimTraffic(sql, 1, entries.filter(({ hasRow }) => !hasRow));
  return await writeTraffic(sql, 1, entries);
}

const connected = (n: number): PeerEvent => ({ n, kind: "connected", at, endpoint: "192.0.2.7:1" });

function entry(
  { id: tenantId, peerId, publicKey }: SeededTenant,
  change: Partial<Account> = {},
  options: Partial<Pick<Entry, "events" | "hasRow">> = {},
): Entry {
  const account = {
    ...emptyAccount,
    publicKey,
    keyReceived: 10,
    received: 100,
    sent: 200,
    endpoint: "192.0.2.7:1",
    notedEndpoint: "192.0.2.7:1",
    handshake: at / 1000,
    onlineSince: at,
    events: 1,
    ...change,
  };
  return { tenantId, peerId, account, events: [connected(1)], hasRow: false, ...options };
}

Deno.test("writeTraffic: what was written is read again, and writing it twice is writing it once", async () => {
  await using given = await world();
  const { sql, a, b } = given;
  const entries = [entry(a), entry(b, { onlineSince: null, publicKey: null, keyReceived: 0 })];
  for (let times = 0; times < 2; times++) {
    assert.deepEqual(await write(sql, entries), new Set([a.peerId, b.peerId]));
  }
  const read = (await readTraffic(sql, 1)).sort((x, y) => x.tenantId - y.tenantId);
  assert.deepEqual(
    read,
    entries.map(({ tenantId, peerId, account }) => ({ tenantId, peerId, account })),
  );
  const row = { received_bytes: 100, sent_bytes: 200, events: 1, noted: "1 connected" };
  assert.deepEqual(await given.rows(), [{ peer_id: a.peerId, ...row }, {
    peer_id: b.peerId,
    ...row,
  }]);
  assert.deepEqual(await readTraffic(sql, 2), []);
});

Deno.test("writeTraffic: no write lets a counter run backwards, and the table refuses it, too", async () => {
  await using given = await world();
  const { sql, a } = given;
  await write(sql, [entry(a)]);
  await write(sql, [entry(a, { received: 5, sent: 300, events: 0 }, { hasRow: true })]);
  const [row] = await given.rows();
  assert.deepEqual([row?.received_bytes, row?.sent_bytes, row?.events], [100, 300, 1]);
  for (const column of ["received_bytes", "sent_bytes", "events"]) {
    await assert.rejects(
      sql`update wg_peer_traffic set ${sql(column)} = ${sql(column)} - 1`,
      { constraint_name: "wg_peer_traffic_never_runs_backwards" },
    );
  }
});

Deno.test("writeTraffic: peers that are removed or gone are left out, and the others are written", async () => {
  await using given = await world();
  const { owner, sql, a, b } = given;
  await owner`update wg_peers set deleted_at = now() where id = ${a.peerId}`;
  const gone = { ...a, peerId: crypto.randomUUID() };
  const foreign = { ...b, id: a.id };
  const written = await write(sql, [entry(a), entry(b), entry(gone), entry(foreign)]);
  assert.deepEqual(written, new Set([b.peerId]));
  assert.deepEqual((await given.rows()).map((row) => row.peer_id), [b.peerId]);
});

Deno.test("writeTraffic: waits for no row that is going with its peer", async () => {
  await using given = await world();
  const { owner, sql, a, b } = given;
  await write(sql, [entry(a), entry(b)]);
  await owner`update wg_peers set deleted_at = now() where id = ${a.peerId}`;
  const again = [a, b].map((tenant) =>
    entry(tenant, { received: 500, events: 2 }, { hasRow: true, events: [connected(2)] })
  );
  await sql.begin(async (removal) => {
    await removal`delete from wg_peers where id = ${a.peerId}`;
    assert.deepEqual(await write(sql, again), new Set([b.peerId]));
  });
  assert.deepEqual(await given.rows(), [
    {
      peer_id: b.peerId,
      received_bytes: 500,
      sent_bytes: 200,
      events: 2,
      noted: "1 connected, 2 connected",
    },
  ]);
  // The other order: a removal waits for the write, and takes with it what was written.
  await owner`update wg_peers set deleted_at = now() where id = ${b.peerId}`;
  let removed: Promise<unknown> | undefined;
  await sql.begin(async (tx) => {
    await tx`update wg_peer_traffic set received_bytes = 501`;
    removed = owner`delete from wg_peers where id = ${b.peerId}`.execute();
    await until("the removal waits", async () => {
      const [row] = await given.owner`
        select count(*)::int as n from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`;
      return row?.n > 0;
    });
    await tx`
      insert into wg_peer_events (tenant_id, peer_id, n, kind, at)
        values (${b.id}, ${b.peerId}, 3, 'disconnected', now())`;
  });
  await removed;
  assert.deepEqual(await given.rows(), []);
});

Deno.test("trimEvents: keeps 30 days and 1,000 events of a peer, and nothing within can be erased", async () => {
  await using given = await world();
  const { owner, sql, a, b } = given;
  await write(sql, [entry(a, { events: 2400 }), entry(b, { events: 3 })]);
  await owner`delete from wg_peer_events`;
  await owner`
    insert into wg_peer_events (tenant_id, peer_id, n, kind, at)
      select ${a.id}, ${a.peerId}, n, 'connected', now() from generate_series(1, 2400) n`;
  await owner`
    insert into wg_peer_events (tenant_id, peer_id, n, kind, at)
      values (${b.id}, ${b.peerId}, 1, 'connected', now() - interval '31 days'),
        (${b.id}, ${b.peerId}, 2, 'disconnected', now() - interval '29 days'),
        (${b.id}, ${b.peerId}, 3, 'connected', now())`;
  assert.equal(await trimEvents(sql), false);
  const kept = async () => [
    ...await owner`
      select tenant_id, min(n)::int as first, count(*)::int as count from wg_peer_events
        group by tenant_id order by tenant_id`,
  ];
  const expected = [
    { tenant_id: a.id, first: 1401, count: 1000 },
    { tenant_id: b.id, first: 2, count: 2 },
  ];
  assert.deepEqual(await kept(), expected);
  await sql`delete from wg_peer_events`;
  assert.deepEqual(await kept(), expected);
});
