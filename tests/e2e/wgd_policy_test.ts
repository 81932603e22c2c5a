import assert from "node:assert/strict";
import { echoClient, echoServer, policyLab } from "../support/policy.ts";
import { countFrom, Helper, lan, listenOn, patience } from "../support/tunnel_lab.ts";
import { until } from "../support/until.ts";

const applied = { state: "applied", error: null };

Deno.test("T9: what a tenant opens, in packets", async (t) => {
  await using lab = await policyLab();
  const { net, wgd, peers, tenants: { a, b }, reaches, pings } = lab;
  const { a1, a2, b1, b2 } = peers;
  await using _api = await listenOn(net, "server", [8000, 9000]);
  await using _a1 = await listenOn(net, "a1", [7000]);
  await using _a2 = await listenOn(net, "a2", [7000, 7001]);
  await using _b2 = await listenOn(net, "b2", [7000]);
  await using _destination = await listenOn(net, "destination", [7000, 7001]);
  const check = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  /** Of everything there is, this is reached and nothing else. */
  const assertReached = async (expected: string[], because?: string) => {
    const targets: [from: string, to: string, address: string, port: number][] = [
      ["a1", "a2:7000", a2.address, 7000],
      ["a1", "a2:7001", a2.address, 7001],
      ["a2", "a1:7000", a1.address, 7000],
      ["a1", "b2:7000", b2.address, 7000],
      ["b1", "a2:7000", a2.address, 7000],
      ["b1", "b2:7000", b2.address, 7000],
      ["a1", "lan:7000", lan.host, 7000],
      ["a1", "lan:7001", lan.host, 7001],
      ["b1", "lan:7000", lan.host, 7000],
      ["a1", "gateway:9000", "10.10.0.1", 9000],
      ["a1", "gateway on the lan:9000", lan.server, 9000],
      ["destination", "a1:7000", a1.address, 7000],
      ["destination", "gateway:8000", "10.10.0.1", 8000],
    ];
    const found = await Promise.all(
      targets.map(async ([from, to, address, port]) => {
        const name = `${from} ${to}`;
        const seconds = expected.includes(name) ? patience.answer : patience.silence;
        return await reaches(from, address, port, seconds) ? name : "";
      }),
    );
    const echoes: [from: string, to: string, address: string][] = [
      ["a1", "a2", a2.address],
      ["b1", "a1", a1.address],
      ["b1", "b2", b2.address],
      ["a1", "lan", lan.host],
      ["b1", "lan", lan.host],
      ["destination", "a1", a1.address],
    ];
    const pinged = await Promise.all(
      echoes.map(async ([from, to, address]) => {
        const name = `${from} ping ${to}`;
        return await pings(from, address, expected.includes(name)) ? name : "";
      }),
    );
    assert.deepEqual([...found, ...pinged].filter(Boolean), expected, because);
  };

  await check(
    "nothing but the API, where nobody opened anything, though the host forwards",
    async () => {
      assert.ok(await reaches("a1", "10.10.0.1", 8000, patience.answer));
      assert.ok(await reaches("b1", "10.10.0.2", 8000, patience.answer));
      await assertReached([]);
    },
  );
  await check(
    "a policy that needs forwarding is rejected where the host does not forward",
    async () => {
      await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=0"]);
      const said = await lab.open(a, { peerToPeer: true });
      assert.equal(said.state, "rejected");
      assert.match(said.error ?? "", /net\.ipv4\.ip_forward=1/);
      assert.deepEqual(await lab.elements("tenants4"), []);
      await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
      await until("it is applied", async () => (await lab.judged(a)).state === "applied");
    },
  );
  await check(
    "peer to peer: among the tenant's own, in both directions, and nothing else",
    async () => {
      await assertReached(["a1 a2:7000", "a1 a2:7001", "a2 a1:7000", "a1 ping a2"]);
    },
  );
  await check("a service: that port of that peer, for the tenant's own", async () => {
    assert.deepEqual(await lab.open(a, { services: [{ peer: a2, ports: [7000, 7000] }] }), applied);
    await assertReached(["a1 a2:7000"]);
  });
  let grant = "";
  await check("a route: those ports of a granted destination, and no way back in", async () => {
    grant = await lab.grant(a, { ports: [7000, 7000] });
    await assertReached(["a1 a2:7000"], "a grant alone opens nothing");
    assert.deepEqual(await lab.open(a, { routes: [{ grant }] }), applied);
    await assertReached(["a1 lan:7000"]);
  });
  await check("another tenant's opening is its own", async () => {
    const theirs = await lab.grant(b, { protocol: "icmp" });
    assert.deepEqual(await lab.open(b, { routes: [{ grant: theirs }], peerToPeer: true }), applied);
    await assertReached(["b1 b2:7000", "a1 lan:7000", "b1 ping b2", "b1 ping lan"]);
    await lab.open(b, {});
  });
  await check(
    "an enrolment peer, a disabled and an expired one get nothing of the policy",
    async () => {
      assert.deepEqual(await lab.open(a, { peerToPeer: true }), applied);
      assert.deepEqual(
        (await lab.elements(`members4_${a}`)).sort(),
        [a1.address, a2.address].sort(),
      );
      const enrolling = await wgd.addPeer({ expiresAt: new Date(Date.now() + 3_600_000) });
      await lab.db.owner`update wg_peers set kind = 'enrolment' where id = ${enrolling.id}`;
      await wgd.untilState(enrolling, "applied");
      await wgd.client.reconcile({});
      await lab.db.owner`update wg_peers set enabled = false where id = ${a2.id}`;
      await wgd.untilState(a2, "removed");
      await until(
        "its address is out",
        async () => (await lab.elements(`members4_${a}`)).length === 1,
      );
      assert.deepEqual(await lab.elements(`members4_${a}`), [a1.address]);
      assert.deepEqual(await lab.elements("tenants4"), [`${a1.address} : jump tenant_${a}`]);
      await lab.db.owner`update wg_peers set enabled = true where id = ${a2.id}`;
      await wgd.untilState(a2, "applied");
      await until("it reaches again", () => reaches("a1", a2.address, 7001), { timeoutMs: 60_000 });
      await lab.db.owner`update wg_peers set deleted_at = now() where id = ${enrolling.id}`;
    },
  );
  await check(
    "T2: members that were added or removed by hand are put right within 5 s",
    async () => {
      const table = `massacorp_${wgd.name}`;
      const nft = (command: string) => net.run("server", ["nft", command]);
      await nft(`delete element inet ${table} tenants4 { ${a1.address} : jump tenant_${a} }`);
      await nft(`add element inet ${table} members4_${a} { ${b1.address} }`);
      await nft(`add element inet ${table} tenants4 { ${b1.address} : jump tenant_${a} }`);
      await until("the members are the tenant's", async () => {
        const [members, senders] = [
          await lab.elements(`members4_${a}`),
          await lab.elements("tenants4"),
        ];
        return members.length === 2 && senders.length === 2 && !members.includes(b1.address) &&
          senders.some((element) => element.startsWith(`${a1.address} `));
      }, { timeoutMs: 5_000 });
      await assertReached(["a1 a2:7000", "a1 a2:7001", "a2 a1:7000", "a1 ping a2"]);
    },
  );
});

Deno.test("T9: closing ends what is established, and nothing else does", async (t) => {
  await using lab = await policyLab();
  const { net, wgd, peers, tenants: { a } } = lab;
  await using _destination = new Helper(net, "destination", echoServer(7000));
  assert.equal(await _destination.word(), "ready");
  const check = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const grant = await lab.grant(a, { ports: [7000, 7000] });
  const other = await lab.grant(a, { ports: [7001, 7001] });
  assert.deepEqual(await lab.open(a, { routes: [{ grant }, { grant: other }] }), applied);
  await using flow = new Helper(net, "a1", echoClient(lan.host, 7000));
  assert.equal(await flow.word(), "open");
  const arrived = await countFrom(net, "destination", peers.a1.address);
  /** What came back last; heard all the while, so that nothing old is left to be heard. */
  let latest = -1;
  const hearing = (async () => {
    for (let word = await flow.word(); word !== ""; word = await flow.word()) latest = Number(word);
  })();
  await using _hearing = {
    [Symbol.asyncDispose]: () => flow[Symbol.asyncDispose]().then(() => hearing),
  };
  const goesOn = async () => {
    const before = latest;
    await until("the flow goes on", () => latest > before + 5);
  };
  await goesOn();

  await check("a change of something else leaves it alone", async () => {
    assert.deepEqual(await lab.open(a, { peerToPeer: true, routes: [{ grant }] }), applied);
    await goesOn();
  });
  await check("T4: a killed and restarted daemon leaves it alone", async () => {
    await wgd.end("SIGKILL");
    await goesOn();
    await wgd.start();
    await goesOn();
    assert.deepEqual(await lab.judged(a), applied);
  });
  await check("the withdrawal of the grant ends it in both directions", async () => {
    await lab.db.owner`delete from wg_grants where id = ${grant}`;
    await until("the rules are without it", async () => {
      const rules = await net.run("server", [
        "nft",
        "list",
        "table",
        "inet",
        `massacorp_${wgd.name}`,
      ]);
      return !rules.includes(lan.network);
    });
    const closedAt = await arrived();
    // What is said from now on is repeated, again and again, and never arrives.
    const conntrack = await net.exec("server", ["cat", "/proc/net/nf_conntrack"]);
    if (conntrack.success) assert.match(conntrack.stdout, /ESTABLISHED/, "it is still established");
    const sent = await countFrom(net, "server", peers.a1.address, "forward priority -20");
    await until("it is tried again", async () => await sent() >= 2);
    const heard = latest;
    await until("and again", async () => await sent() >= 4);
    assert.equal(latest, heard, "nothing comes back");
    assert.equal(await arrived(), closedAt);
    const [policy] = await lab.db.owner`select from wg_policy_routes where tenant_id = ${a}`;
    assert.equal(policy, undefined);
  });
});
