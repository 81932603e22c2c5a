import assert from "node:assert/strict";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../support/database.ts";
import { parseExposition, sampleOf } from "../support/exposition.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";

interface Recorded {
  received: number;
  sent: number;
  endpoint: string | null;
  online: boolean;
  events: string[];
}

Deno.test("traffic: counters go on over a killed daemon, an interface made anew and another key; who comes and goes is noted", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server", "client");
  await using wgd = await TestDaemon.create(db, net, {
    env: { WGD_TRAFFIC_INTERVAL: "1s", WGD_RECONCILE_INTERVAL: "1s" },
  });
  await wgd.start();
  const peer = await wgd.addPeer();
  await wgd.untilState(peer, "applied");

  async function recorded(): Promise<Recorded | undefined> {
    const [row] = await db.owner<Recorded[]>`
      select received_bytes::float8 as received, sent_bytes::float8 as sent, endpoint,
        online_since is not null as online,
        array(select kind || ' ' || coalesce(endpoint, '') from wg_peer_events e
          where e.tenant_id = t.tenant_id and e.peer_id = t.peer_id order by n) as events
      from wg_peer_traffic t where tenant_id = ${peer.tenantId} and peer_id = ${peer.id}`;
    return row;
  }
  const seen: Recorded[] = [];
  async function untilRecorded(what: string, holds: (now: Recorded) => boolean): Promise<Recorded> {
    return await until(what, async () => {
      const now = await recorded();
      const before = seen.at(-1);
      if (now) {
        assert.ok(!before || (now.received >= before.received && now.sent >= before.sent));
        seen.push(now);
      }
      return now && holds(now) ? now : undefined;
    }, { timeoutMs: 60_000, everyMs: 50 });
  }
  const onInterface = async (key = peer.publicKey) =>
    (await wgd.dump()).peers.get(key)?.receivedBytes ?? 0;
  // A client that knocked in vain knocks again after 5 s.
  const ping = () =>
    until("the gateway answers", async () => {
      const command = ["ping", "-c", "1", "-W", "1", "-s", "1000", "10.10.0.1"];
      return (await net.exec("client", command)).success;
    }, { timeoutMs: 60_000 });
  const step = async (name: string, work: () => Promise<unknown>) => {
    await t.step(name, async () => {
      await work();
    });
  };
  let link = "";

  await step("a peer that never spoke has no row", async () => {
    await wgd.client.reconcile({});
    assert.equal(await recorded(), undefined);
  });
  await step("it connects: bytes, endpoint and the event", async () => {
    link = await wgd.connect("client", peer);
    await ping();
    const now = await untilRecorded("its bytes", ({ received }) => received > 1000);
    assert.match(now.endpoint ?? "", new RegExp(`^${net.address("client")}:\\d+$`));
    assert.deepEqual(now.events, [`connected ${now.endpoint}`]);
  });
  await step(
    "metrics: every line can be read, and none has a key or a client's address",
    async () => {
      const text = await wgd.client.metrics();
      const read = parseExposition(text);
      const value = (name: string, labels = {}) => sampleOf(read, `massacorp_wgd_${name}`, labels);
      assert.equal(value("peers_online", { tenant: String(peer.tenantId) }), 1);
      assert.equal(value("commit_to_kernel_seconds_count"), 1);
      assert.equal(value("apply_peers_count"), 1);
      assert.ok((value("pass_duration_seconds_count", { scope: "some" }) ?? 0) > 0);
      assert.ok((value("commands_total", { program: "wg" }) ?? 0) > 1);
      assert.ok((sampleOf(read, "process_resident_memory_bytes") ?? 0) > 1e7);
      for (const secret of [peer.publicKey, peer.id, net.address("client"), "10.10.0."]) {
        assert.ok(!text.includes(secret), secret);
      }
    },
  );
  await step("kill -9 of the daemon: what passed meanwhile is counted, once", async () => {
    await wgd.end("SIGKILL");
    for (let pings = 0; pings < 5; pings++) await ping();
    const whole = await onInterface();
    await wgd.start();
    const now = await untilRecorded("what passed", ({ received }) => received >= whole);
    assert.ok(now.received <= await onInterface(), "counted twice");
    assert.deepEqual(now.events.length, 1);
  });
  await step("the interface made anew: the counters go on, and it went and came", async () => {
    const before = await recorded();
    await wgd.ip("link", "delete", wgd.name);
    const gone = await untilRecorded("it went", ({ events }) => events.length >= 2);
    assert.match(gone.events[1] ?? "", /^disconnected /);
    // Otherwise the client believes in its session for another 15 s.
    await net.run("client", ["ip", "link", "delete", link]);
    link = await wgd.connect("client", peer);
    await ping();
    const back = await untilRecorded(
      "it came",
      ({ events, online, received }) =>
        events.length >= 3 && online && received > (before?.received ?? 0),
    );
    assert.match(back.events[2] ?? "", /^connected /);
    assert.ok(back.received > await onInterface(), "only this life was counted");
  });
  await step("another endpoint is noted", async () => {
    await net.run("client", ["wg", "set", link, "listen-port", "40404"]);
    // Events of one peer are a minute apart at least; the endpoint itself is written at once.
    await untilRecorded("the endpoint", ({ endpoint }) => endpoint?.endsWith(":40404") === true);
  });
  await step("another key of the same peer counts on", async () => {
    const before = await recorded();
    const pair = await generateKeyPair();
    await db.owner`update wg_peers set public_key = ${pair.publicKey}, preshared_key = null
      where id = ${peer.id}`;
    const now = await untilRecorded("it went", ({ online }) => !online);
    assert.ok(now.received >= (before?.received ?? Infinity));
    await net.run("client", ["ip", "link", "delete", link]);
    const rotated: TestPeer = { ...peer, ...pair, presharedKey: null };
    await wgd.connect("client", rotated);
    await ping();
    const whole = await onInterface(pair.publicKey);
    assert.ok(whole > 1000);
    await untilRecorded(
      "it came",
      ({ online, received }) => online && received >= now.received + whole,
    );
  });
  await step("what was noted goes with the peer", async () => {
    await db.owner`update wg_peers set deleted_at = now() where id = ${peer.id}`;
    await until("it is gone", async () => await recorded() === undefined);
    const [left] = await db.owner`select count(*)::int as n from wg_peer_events`;
    assert.equal(left?.n, 0);
  });
});
