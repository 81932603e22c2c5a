import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { createLogger } from "../../lib/log.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { livingGateway } from "../../tests/support/gateways.ts";
import { seedInterface, seedTenant } from "../../tests/support/seed.ts";
import type { Database } from "../database.ts";
import type { DesiredPeer } from "../desired.ts";
import { createTraffic } from "./mod.ts";
import { claimTraffic } from "./store.ts";

const start = Date.UTC(2030, 0, 1);

Deno.test("traffic: of a peer that moves, to and fro, no counter runs backwards or counts twice, and nobody overwrites the other", async (t) => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  await using _two = await livingGateway(db, { id: 2 });
  const { id: tenantId, peerId: id, publicKey: firstKey } = await seedTenant(db.owner, "acme");
  await db.owner`delete from wg_peer_traffic`;
  const sql = connect(db.url("massacorp_wgd"), { max: 2, applicationName: "test-wgd" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  /** The answer to the nth question from now is lost, after its work was done; 0 for none. */
  let loses = 0;
  const database: Database = {
    state: "connected",
    attempted: Promise.resolve(),
    async use(work) {
      const done = await work(sql);
      if (loses === 0 || --loses > 0) return done;
      throw new Error("the answer was lost");
    },
    close: () => Promise.resolve(),
  };
  let now = start;
  const clock = { now: () => now };
  const log = createLogger({ level: "error", write: () => {} });
  let publicKey = firstKey;

  async function daemon(interfaceId: number) {
    const traffic = createTraffic({ interfaceId, database, intervalMs: 0, clock, log });
    // What is recorded is read first.
    await traffic.close();
    const row = () =>
      ({ tenantId, id, publicKey, tombstone: false }) satisfies Partial<DesiredPeer>;
    const peers = () =>
      [{
        ...row(),
        address: "",
        allowedIps: [],
        successor: null,
        presharedKey: null,
        generation: "1",
        active: true,
        expiresAt: null,
        heldBecause: null,
        status: null,
      }] satisfies DesiredPeer[];
    return {
      /** A look at the interface, and what is recorded after it. */
      async sees(received: number, { online = true } = {}) {
        now += 1000;
        const observed = {
          publicKey,
          allowedIps: [],
          presharedKey: null,
          endpoint: "192.0.2.7:1",
          latestHandshake: online ? Math.floor(now / 1000) : 0,
          receivedBytes: received,
          sentBytes: 2 * received,
          persistentKeepalive: null,
        };
        traffic.look({
          peers: peers(),
          observed: new Map([[publicKey, observed]]),
          created: false,
          all: false,
        });
        await traffic.close().catch(() => {});
        await traffic.close();
        return await recorded();
      },
      /** A pass over all, after the peer has left. */
      forget: () => traffic.look({ peers: [], observed: new Map(), created: false, all: true }),
    };
  }
  async function recorded() {
    const [row] = await db.owner<{ received: number; sent: number; noted: string }[]>`
      select received_bytes::int as received, sent_bytes::int as sent,
        (select string_agg(kind, ' ' order by n) from wg_peer_events e where e.peer_id = t.peer_id) as noted
      from wg_peer_traffic t where t.peer_id = ${id}`;
    assert.equal(row?.sent, 2 * (row?.received ?? 0));
    return [row?.received, row?.noted];
  }
  /** As the API does it. @param key another one, unless it is the client's own */
  async function move(to: number, key?: string) {
    publicKey = key ?? (await generateKeyPair()).publicKey;
    await db.owner`delete from wg_retired_keys`;
    await db.owner`
      with free as (
        update wg_ip_pool set free_from = null where (interface_id, address) = (
          select interface_id, address from wg_ip_pool
          where interface_id = ${to} and free_from <= now() order by address limit 1)
        returning address)
      select from free`;
    await db.owner`
      update wg_peers set interface_id = ${to}, public_key = ${publicKey}, address = (
        select address from wg_ip_pool a where a.interface_id = ${to} and a.free_from is null
          order by address limit 1) where id = ${id}`;
  }

  const [one, two] = [await daemon(1), await daemon(2)];
  const noted = ["connected"];
  const events = () => noted.join(" ");
  await t.step("here", async () => {
    assert.deepEqual(await one.sees(100), [100, events()]);
  });
  await t.step("there, from where it was", async () => {
    const before = publicKey;
    await move(2);
    const after = publicKey;
    publicKey = before;
    assert.deepEqual(await one.sees(110), [110, events()], "what the old one saw last, until then");
    publicKey = after;
    noted.push("disconnected", "connected");
    loses = 2;
    assert.deepEqual(await two.sees(5), [115, events()], "though it wrote that twice");
    publicKey = before;
    assert.deepEqual(await one.sees(900), [115, events()], "and nothing any more after that");
    publicKey = after;
    assert.deepEqual(await two.sees(50), [160, events()]);
  });
  await t.step("another life of the daemon there", async () => {
    assert.deepEqual(await (await daemon(2)).sees(60), [170, events()]);
    assert.deepEqual(await two.sees(60), [170, events()]);
  });
  await t.step("back, to a daemon that forgot it, with a write whose answer is lost", async () => {
    one.forget();
    await move(1);
    loses = 1;
    noted.push("disconnected", "connected");
    assert.deepEqual(await one.sees(7), [177, events()]);
    loses = 1;
    assert.deepEqual(await one.sees(8), [178, events()]);
  });
  await t.step("and to one that did not, with the same key, before it has spoken", async () => {
    await move(2, publicKey);
    noted.push("disconnected");
    assert.deepEqual(await two.sees(3, { online: false }), [181, events()]);
    noted.push("connected");
    assert.deepEqual(await two.sees(4), [182, events()]);
  });
  await t.step("with the same key, while its new daemon was down", async () => {
    await move(1, publicKey);
    const late = await daemon(1);
    assert.deepEqual(await late.sees(10), [192, events()], "online all the time");
  });
  await t.step("no daemon takes over what is not on its gateway", async () => {
    assert.deepEqual(await claimTraffic(sql, 2, [{ tenantId, peerId: id }]), []);
  });
});
