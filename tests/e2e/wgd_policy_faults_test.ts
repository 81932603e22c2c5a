import assert from "node:assert/strict";
import { runProcess } from "../../lib/process.ts";
import { createFirewall } from "../../wgd/interface/firewall.ts";
import type { Opening } from "../../wgd/interface/nft_openings.ts";
import { namespaces } from "../support/netns.ts";
import { pathOf, refusingNft } from "../support/programs.ts";
import { policyLab } from "../support/policy.ts";
import {
  countFrom,
  Helper,
  lan,
  listenOn,
  moveBehindServer,
  patience,
} from "../support/tunnel_lab.ts";
import { until } from "../support/until.ts";

const applied = { state: "applied", error: null };

/** Sends datagrams to a port as fast as it can; its words say how many. */
const blast = (address: string) => `
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const to = { transport: "udp", hostname: "${address}", port: 7000 };
  const bytes = new Uint8Array(8);
  for (let sent = 0;; sent += 1000) {
    for (let n = 0; n < 1000; n++) await socket.send(bytes, to).catch(() => {});
    console.log(sent);
  }`;

Deno.test("T9: while rules change, no packet passes that neither the old nor the new ones let through", async () => {
  // A cable in the place of the tunnel: rules know it by its name alone, and it carries more.
  await using net = await namespaces("server", "allowed", "denied", "destination");
  await moveBehindServer(net, "destination");
  await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  const peers = { allowed: net.address("allowed"), denied: net.address("denied") };
  for (const role of ["allowed", "denied"]) {
    await net.run(role, ["ip", "route", "add", lan.network, "via", net.address("server")]);
  }
  const [program = "", ...prefix] = net.argv("server", [await pathOf("nft")]);
  const firewall = createFirewall(
    (_program, args, options) => runProcess(program, [...prefix, ...args], options),
    {
      name: "underlay",
      network: "192.0.2.0/24",
      network6: null,
      addresses: ["192.0.2.1", "192.0.2.2"],
      apiPort: 8000,
    },
  );
  const opening = (network: string, more: string[] = []): Opening => ({
    members: new Set([peers.allowed, ...more]),
    peerToPeer: false,
    destinations: [{ network, protocol: "udp", ports: [7000, 7000] }],
  });
  const closed = new Map<number, Opening>();
  await firewall.install(closed);
  const arrived = {
    allowed: await countFrom(net, "destination", peers.allowed),
    denied: await countFrom(net, "destination", peers.denied),
  };
  await using senders = new AsyncDisposableStack();
  const denied = senders.use(new Helper(net, "denied", blast(lan.host)));
  const allowed = senders.use(new Helper(net, "allowed", blast(lan.host)));
  await Promise.all([denied.word(), allowed.word()]);
  let sent = 0;
  const counting = (async () => {
    for (let word = "0"; word !== ""; word = await denied.word()) sent = Number(word);
  })();
  // As many changes as are wanted, and until enough was sent meanwhile: on a busy machine, that takes more of them.
  const isEnough = async () => sent > 10_000 && await arrived.allowed() > 100;
  for (let round = 0; round < 60 || (round < 2_000 && !await isEnough()); round++) {
    // The other one is a member of a tenant that opened nothing towards there, every now and then.
    const other = { ...opening("203.0.113.0/24"), members: new Set([peers.denied]) };
    const openings = [
      closed,
      new Map([[1, opening(lan.network)]]),
      new Map([[1, opening(`${lan.host}/32`)], [2, other]]),
      new Map([[2, other]]),
    ][round % 4] ?? closed;
    if (round % 3 === 0) await firewall.install(openings);
    else await firewall.open(openings);
  }
  assert.ok(sent > 10_000, `only ${sent} packets were sent`);
  assert.equal(await arrived.denied(), 0);
  assert.ok(await arrived.allowed() > 100, "and what is open passes");
  // It was the rules' doing.
  await net.run("server", ["nft", "flush", "ruleset"]);
  await until("what was denied passes without them", async () => await arrived.denied() > 100);
  await senders.disposeAsync();
  await counting;
});

Deno.test("T1, T9: forged sources, connections without end, rules that nft refuses, translated addresses", async (t) => {
  await using programs = await refusingNft();
  await using lab = await policyLab({ programs: programs.folder });
  const { net, peers: { a1, a2, b1, b2 }, tenants: { a, b }, reaches, pings } = lab;
  const answers = (from: string, address: string, port: number) =>
    reaches(from, address, port, patience.answer);
  await using _api = await listenOn(net, "server", [8000]);
  await using _destination = await listenOn(net, "destination", [7000]);
  await using _a2 = await listenOn(net, "a2", [7000]);
  const check = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  await check("a policy that nft refuses closes its tenant, and nobody else", async () => {
    const grant = await lab.grant(a, { network: lan.network });
    assert.deepEqual(await lab.open(a, { routes: [{ grant }] }), applied);
    const odd = await lab.grant(b, { network: "203.0.113.0/24" });
    assert.deepEqual(await lab.open(b, { peerToPeer: true, routes: [{ grant: odd }] }), {
      state: "rejected",
      error: "the host's nftables refuses its rules",
    });
    assert.ok(await answers("a1", lan.host, 7000), "the other tenant's stays");
    assert.equal(await pings("b1", b2.address), false);
    assert.deepEqual(await lab.open(b, { peerToPeer: true }), applied);
    assert.ok(await pings("b1", b2.address, true));
    assert.deepEqual(await lab.open(b, { peerToPeer: true, routes: [{ grant: odd }] }), {
      state: "rejected",
      error: "the host's nftables refuses its rules",
    });
    assert.equal(await pings("b1", b2.address), false, "its last good policy is closed, too");
  });
  await check(
    "a forged source of a member reaches nothing, from the underlay or the tunnel",
    async () => {
      const arrived = await countFrom(net, "destination", a1.address);
      assert.ok(await answers("a1", lan.host, 7000));
      await until("all of that has arrived, its end included", async () => {
        return !(await net.run("destination", ["ss", "-Htan"])).includes(a1.address);
      });
      const before = await arrived();
      assert.ok(before > 0);
      await net.run("outsider", ["ip", "route", "add", lan.network, "via", net.address("server")]);
      await net.run("outsider", ["ip", "address", "add", `${a1.address}/32`, "dev", "underlay"]);
      await net.run("b1", ["ip", "address", "add", `${a1.address}/32`, "dev", lab.tunnels.b1]);
      const forge = (from: string) =>
        net.exec(from, ["ping", "-c", "20", "-i", "0.01", "-W", "1", "-I", a1.address, lan.host]);
      for (const from of ["outsider", "b1"]) assert.equal((await forge(from)).success, false, from);
      const curl = ["curl", "--silent", "--max-time", "1", "--interface", a1.address];
      for (const from of ["outsider", "b1"]) {
        await net.exec(from, [
          ...curl,
          `http://${lan.host}:7000`,
        ]);
      }
      assert.equal(await arrived(), before);
      await net.run("b1", ["ip", "address", "delete", `${a1.address}/32`, "dev", lab.tunnels.b1]);
      assert.ok(await answers("a1", lan.host, 7000), "the peer itself goes on");
    },
  );
  await check("one peer holds 64 connections to the API, and the others theirs", async () => {
    await using greedy = new Helper(
      net,
      "a2",
      `let open = 0;
      for (let n = 0; n < 90; n++) {
        Deno.connect({ hostname: "10.10.0.2", port: 8000 }).then(() => open++, () => {});
      }
      const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      for (let looks = 0; open < 64 && looks < 600; looks++) await pause(50);
      // And no more, though each of the others knocks again meanwhile.
      await pause(2500);
      console.log(open);
      await new Promise(() => {});`,
    );
    assert.equal(await greedy.word(), "64");
    assert.equal(await reaches("a2", "10.10.0.1", 8000), false);
    assert.ok(await answers("a1", "10.10.0.1", 8000));
    assert.ok(await answers("b1", "10.10.0.2", 8000));
  });
  await check("behind an operator's own address translation the policy holds as well", async () => {
    const table = `table ip test_nat {
      chain postrouting { type nat hook postrouting priority srcnat;
        ip saddr 10.10.0.0/24 oifname "lan" masquerade
      }
    }\n`;
    await net.run("server", ["nft", "--file", "-"], { stdin: table });
    const asGateway = await countFrom(net, "destination", lan.server);
    assert.ok(await answers("a1", lan.host, 7000));
    assert.ok(await asGateway() > 0);
    assert.equal(await reaches("b1", lan.host, 7000), false);
    await lab.open(a, {});
    assert.equal(await reaches("a1", lan.host, 7000), false);
    assert.equal(await pings("a1", a2.address), false);
    assert.ok(await answers("b1", "10.10.0.1", 8000));
    assert.ok(b1.address !== a1.address);
  });
});
