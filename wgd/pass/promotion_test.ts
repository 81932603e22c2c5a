import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { connect } from "../../db/connection.ts";
import { silentLogger } from "../../lib/log.ts";
import { Secret } from "../../lib/secret.ts";
import { encodeKey } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { until } from "../../tests/support/until.ts";
import { type Database, DatabaseError } from "../database.ts";
import type { DesiredPeer, DesiredState } from "../desired.ts";
import { promoteSuccessors, promotionsOf, watchSuccessors, writePromotions } from "./promotion.ts";
import { DesiredTable } from "../desired/table.ts";

const now = 1_000_000;
const successor = {
  publicKey: "NEXT",
  presharedKey: new Secret("PSK of NEXT"),
  deadline: now + 1,
  heldBecause: null,
};
const row = desiredPeer({
  id: "0a",
  publicKey: "KEY",
  successor,
});
const promotion = { tenantId: 1, peerId: "0a", publicKeyBefore: "KEY", publicKey: "NEXT" };

function tableOf(...peers: DesiredPeer[]): DesiredTable {
  const table = new DesiredTable();
  table.replaceAll({
    slices: "all",
    digests: new Map(),
    released: [],
    state: { peers, retired: [] },
  });
  return table;
}

Deno.test("promotionsOf: a successor takes over with a handshake of its own or at its very deadline, and no sooner", () => {
  const due = (peer: DesiredPeer, handshakes: string[], at: number) =>
    promotionsOf([peer], new Set(handshakes), at);
  assert.deepEqual(due(row, ["KEY"], now), []);
  assert.deepEqual(due(row, ["NEXT"], now), [{ ...promotion, because: "handshake" }]);
  assert.deepEqual(due(row, [], now + 1), [{ ...promotion, because: "deadline" }]);
  const held = { ...row, successor: { ...successor, heldBecause: "why" } };
  assert.deepEqual(due(held, ["NEXT"], now + 1), [], "one that cannot be applied never does");
  assert.deepEqual(due({ ...row, successor: null }, ["NEXT"], now + 1), []);
});

Deno.test("promoteSuccessors: T8: without the database it takes over in the table alone, and again when the rows are read", async () => {
  const table = tableOf(row);
  const asked: string[] = [];
  const failing: Database = {
    state: "disconnected",
    attempted: Promise.resolve(),
    use() {
      asked.push("use");
      return Promise.reject(new DatabaseError("away"));
    },
    close: () => Promise.resolve(),
  };
  const deps = {
    database: failing,
    store: { read: () => assert.fail("not read"), readAll: () => assert.fail("not read") },
    table,
    tunnel: { handshakes: () => Promise.resolve(new Set(["NEXT"])) },
    log: silentLogger,
  };
  const options = { scope: "all" as const, now, signal: new AbortController().signal };
  const promoted = () => {
    const peer = table.peers.get("0a");
    return [peer?.publicKey, peer?.presharedKey?.reveal(), peer?.successor, table.waiting.length];
  };
  await promoteSuccessors(deps, { ...options, unread: true });
  assert.deepEqual(asked, [], "what cannot be read is not asked");
  assert.deepEqual(promoted(), ["NEXT", "PSK of NEXT", null, 0]);
  assert.equal(table.explain("KEY"), "retired", "the old key may be taken off");
  assert.equal(table.digests?.get(10), "", "the row is read again as soon as it can be");

  table.replaceSome(["0a"], { peers: [row], retired: [] });
  assert.equal(table.waiting.length, 1, "the database knows of nothing yet");
  await promoteSuccessors(deps, { ...options, unread: false });
  assert.deepEqual(asked, ["use"], "now it is told");
  assert.deepEqual(promoted(), ["NEXT", "PSK of NEXT", null, 0]);
});

Deno.test("promoteSuccessors: a pass over other peers leaves it alone, and looks at no handshake", async () => {
  const table = tableOf(row);
  await promoteSuccessors({
    database: { use: () => assert.fail("not asked") } as unknown as Database,
    store: { read: () => assert.fail("not read"), readAll: () => assert.fail("not read") },
    table,
    tunnel: { handshakes: () => assert.fail("not looked at") },
    log: silentLogger,
  }, { scope: ["0b"], unread: false, now: now + 1, signal: new AbortController().signal });
  assert.equal(table.waiting.length, 1);
});

Deno.test("watchSuccessors: looks while one waits that may shake hands, reports each once, and rests otherwise", async () => {
  const table = tableOf({ ...row, successor: null });
  const reported: string[] = [];
  let looks = 0;
  let shook = new Set<string>();
  const watch = watchSuccessors({
    tunnel: {
      handshakes() {
        looks++;
        return looks === 2 ? Promise.reject(new Error("gone")) : Promise.resolve(shook);
      },
    },
    table,
    now: () => now,
    look: (ids) => reported.push(...ids),
    log: silentLogger,
    pauseMs: 1,
  });
  const set = (peer: Partial<DesiredPeer>) => {
    const state: DesiredState = { peers: [{ ...row, ...peer }], retired: [] };
    table.replaceSome(["0a"], state);
    watch.arm();
  };
  for (const change of [{ successor: null }, { active: false }, { expiresAt: now }]) {
    set(change);
  }
  set({ successor: { ...successor, heldBecause: "why" } });
  assert.equal(looks, 0, "none of these could shake hands");
  set({});
  await until("it goes on looking, a failure notwithstanding", () => looks >= 4, { everyMs: 1 });
  assert.deepEqual(reported, []);
  shook = new Set(["KEY", "NEXT"]);
  await until("it is reported", () => reported.length > 0, { everyMs: 1 });
  const after = looks;
  watch.arm();
  watch.arm();
  set({ successor: { ...successor, publicKey: "OTHER" } });
  await until("it looks for the next one", () => looks > after, { everyMs: 1 });
  assert.deepEqual(reported, ["0a"]);
  watch.stop();
});

Deno.test("writePromotions: T3: a successor that was replaced, or whose peer has another key by now, stays where it is", async () => {
  await using db = await testDatabase();
  const sql = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "test" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  const key = (byte: number) => encodeKey(new Uint8Array(32).fill(byte));
  await db.owner`
    insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
      values (1, 'wg0', '10.10.0.0/24', 1, 'a:1', 1420)`;
  const [tenant] = await db.owner<{ id: number }[]>`
    insert into tenants (slug, name) values ('t', 'T') returning id`;
  assert.ok(tenant);
  const peerId = crypto.randomUUID();
  await db.owner`
    insert into wg_peers (tenant_id, id, interface_id, name, public_key, address, successor_public_key,
        successor_deadline)
      values (${tenant.id}, ${peerId}, 1, 'x', ${key(1)}, '10.10.0.6', ${key(3)}, now())`;
  const promote = async (publicKeyBefore: string, publicKey: string) => {
    const due = { tenantId: tenant.id, peerId, publicKeyBefore, publicKey };
    await writePromotions(sql, [{ ...due, because: "handshake" }]);
    const [found] = await db.owner`
      select public_key, successor_public_key, (select count(*)::int from audit_log) as entries from wg_peers`;
    return { ...found };
  };
  const waits = { public_key: key(1), successor_public_key: key(3), entries: 0 };
  assert.deepEqual(await promote(key(1), key(2)), waits, "what shook hands was replaced since");
  assert.deepEqual(await promote(key(4), key(3)), waits, "the peer had another key");
  const done = { public_key: key(3), successor_public_key: null, entries: 1 };
  assert.deepEqual(await promote(key(1), key(3)), done);
  assert.deepEqual(await promote(key(1), key(3)), done, "once");
});
