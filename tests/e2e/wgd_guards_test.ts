import assert from "node:assert/strict";
import { sendIcmp, unreachable } from "../support/forged_icmp.ts";
import { echoClient, echoServer, type PolicyLab, policyLab } from "../support/policy.ts";
import { countFrom, Helper, lan, listenOn, patience } from "../support/tunnel_lab.ts";
import { until } from "../support/until.ts";

/** What is asked of a packet: whether it got where it must not, within so many seconds. */
type Leak = (seconds: number) => Promise<boolean>;

/** The rules of a chain as nft prints them, which is as it takes them. */
async function rulesOf({ net, wgd }: PolicyLab, chain: string): Promise<string[]> {
  const command = ["nft", "--stateless", "list", "chain", "inet", `massacorp_${wgd.name}`, chain];
  return (await net.run("server", command)).split("\n").slice(2, -3)
    .map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("type filter"));
}

/** Runs with other rules in a chain, and puts the old ones back. */
async function withRules<T>(
  { net, wgd }: PolicyLab,
  { chain, rules, change }: { chain: string; rules: string[]; change: (rule: string) => string },
  run: () => Promise<T>,
): Promise<T> {
  const changed = rules.map(change).filter(Boolean);
  assert.notDeepEqual(changed, rules, `${chain} has the rule to be taken away`);
  const put = (rules: string[]) => {
    const place = `inet massacorp_${wgd.name} ${chain}`;
    const lines = [`flush chain ${place}`, ...rules.map((rule) => `add rule ${place} ${rule}`)];
    return net.run("server", ["nft", "--file", "-"], { stdin: `${lines.join("\n")}\n` });
  };
  await put(changed);
  try {
    return await run();
  } finally {
    await put(rules);
  }
}

/** Of 90 connections to the API at once, how many are opened within so many seconds, or until they are more than 64. */
const manyAtOnce = (address: string, seconds: number) => `
  const started = performance.now();
  let open = 0;
  for (let n = 0; n < 90; n++) {
    Deno.connect({ hostname: "${address}", port: 8000 }).then(() => open++, () => {});
  }
  while (open <= 64 && performance.now() - started < ${seconds * 1000}) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  console.log(open);
  await new Promise(() => {});`;

/**
 * Connections that are closed at once, from a few at a time: whether they are more than a peer may begin, within so many
 * seconds.
 */
const manyInARow = (address: string, seconds: number) => `
  const started = performance.now();
  const took = () => performance.now() - started;
  let opened = 0;
  const isTooMany = () => opened > 100 + 50 * took() / 1000 + 20;
  let found = false;
  await Promise.all(Array.from({ length: 8 }, async () => {
    while (!found && took() < ${seconds * 1000}) {
      (await Deno.connect({ hostname: "${address}", port: 8000 })).close();
      opened++;
      found ||= isTooMany();
    }
  }));
  console.log(opened + " " + found);`;

/** Datagrams to ports of their own, each a flow of its own; all of them again and again. */
const manyFlows = (address: string, first: number) => `
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "::", port: 0 });
  for (;;) {
    for (let at = 0; at < 2600; at++) {
      const to = { transport: "udp", hostname: "${address}", port: ${first} + at };
      await socket.send(new Uint8Array(8), to).catch(() => {});
      if (at % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    console.log("sent");
  }`;

/** Counts the ports that datagrams from an address come to. */
async function countPorts({ net }: PolicyLab, source: string): Promise<() => Promise<number>> {
  const table = `ports_${crypto.randomUUID().slice(0, 8)}`;
  const family = source.includes(":") ? "ip6" : "ip";
  const rules = `table ${family} ${table} {
    set ports { type inet_service; size 65535; flags dynamic; }
    chain c { type filter hook prerouting priority -400; ${family} saddr ${source} update @ports { udp dport }; }
  }`;
  await net.run("destination", ["nft", "--file", "-"], { stdin: rules });
  return async () => {
    const text = await net.run("destination", ["nft", "list", "set", family, table, "ports"]);
    return /elements = \{([^}]*)\}/.exec(text)?.[1]?.split(",").length ?? 0;
  };
}

Deno.test("T1, T9: each guard of the table holds back what nothing else does, in packets of both families", async (t) => {
  await using lab = await policyLab({ six: true });
  const { net, wgd, peers, six, tenants: { a, b }, reaches } = lab;
  const underlay6 = { server: "fd99::1", outsider: "fd99::6" };
  const other = { four: "198.51.100.10", six: "fd99:5::10" };
  for (const [role, address] of Object.entries(underlay6)) {
    await net.run(role, ["ip", "address", "add", `${address}/64`, "dev", "underlay", "nodad"]);
  }
  await net.run("destination", ["ip", "address", "add", `${other.four}/24`, "dev", "lan"]);
  // Deprecated, so that nothing is sent from it.
  const second = [`${other.six}/64`, "dev", "lan", "nodad", "preferred_lft", "0"];
  await net.run("destination", ["ip", "address", "add", ...second]);
  await using _gateway = await listenOn(net, "server", [8000, 9000]);
  await using _lan = await listenOn(net, "destination", [7000, 7001]);
  await using echo = new Helper(net, "destination", echoServer(7002));
  assert.equal(await echo.word(), "ready");
  const routes: { grant: string }[] = [];
  for (const network of [`${lan.host}/32`, `${lan.host6}/128`]) {
    routes.push({ grant: await lab.grant(a, { network, ports: [7000, 7000] }) });
    routes.push({ grant: await lab.grant(a, { network, ports: [7002, 7002] }) });
    routes.push({ grant: await lab.grant(a, { network, protocol: "udp" }) });
  }
  assert.equal((await lab.open(a, { routes })).state, "applied");
  // So that b's peers are judged in a chain, too: one that leads nowhere near.
  const elsewhere = await lab.grant(b, { network: "203.0.113.0/24" });
  assert.equal((await lab.open(b, { routes: [{ grant: elsewhere }] })).state, "applied");
  // The table is to hold without the host's own check of sources.
  const lenient = "for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $file; done";
  await net.run("server", ["sh", "-c", lenient]);
  // Nobody mends the table meanwhile.
  await wgd.end("SIGKILL");

  const families = [
    {
      name: "ip",
      net: "10.10.0.0/24",
      peers: { a1: peers.a1.address, a2: peers.a2.address, b1: peers.b1.address },
      gateway: "10.10.0.1",
      unused: "10.10.0.200/32",
      lan: { host: lan.host, other: other.four, server: lan.server },
      underlay: { server: net.address("server"), outsider: net.address("outsider") },
      echo: "icmp",
    },
    {
      name: "ip6",
      net: "fd6d:617a:7a61:5::/64",
      peers: { a1: six.a1, a2: six.a2, b1: six.b1 },
      gateway: "fd6d:617a:7a61:5::1",
      unused: "fd6d:617a:7a61:5::c8/128",
      lan: { host: lan.host6, other: other.six, server: lan.server6 },
      underlay: underlay6,
      echo: "ipv6-icmp",
    },
  ] as const;

  for (const [at, of] of families.entries()) {
    const { name } = of;
    const number = name === "ip" ? 4 : 6;
    const send = (from: string, to: string, source?: string) =>
      net.exec(from, [
        ...["ping", "-n", "-c", "3", "-i", "0.05", "-W", "1"],
        ...(source === undefined ? [] : ["-I", source]),
        to,
      ]);
    /** True when any packet of this source is counted there once something is sent. */
    const arrives = async (
      { role, source, hook }: { role: string; source: string; hook?: string },
      act: () => Promise<unknown>,
      seconds: number,
    ) => {
      const count = await countFrom(net, role, source, hook);
      const end = performance.now() + seconds * 1000;
      await act();
      for (;;) {
        if (await count() > 0) return true;
        if (performance.now() > end) return false;
      }
    };
    const unused = of.unused.slice(0, of.unused.indexOf("/"));
    await net.run("outsider", ["ip", "route", "add", of.net, "via", of.underlay.server]);
    await net.run("server", ["ip", "route", "add", of.unused, "via", of.lan.host, "dev", "lan"]);
    await using flow = new Helper(net, "a1", echoClient(of.lan.host, 7002));
    assert.equal(await flow.word(), "open");
    const sockets = (await net.run("a1", ["ss", "-Htn"])).split("\n");
    const socket = sockets.find((line) => line.includes(of.lan.host) && line.includes(":7002"));
    const fromPort = Number(/:(\d+)\s+\S+:7002\b/.exec(socket ?? "")?.[1]);
    assert.ok(fromPort > 0, sockets.join("\n"));
    const quoted = { from: of.peers.a1, to: of.lan.host, fromPort, toPort: 7002 };

    const forged: Leak = async (seconds) => {
      const own = ["dev", "underlay", ...(number === 6 ? ["nodad"] : [])];
      const address = `${of.peers.a1}/${number === 4 ? 32 : 128}`;
      await net.run("outsider", ["ip", "address", "add", address, ...own]);
      const there = { role: "server", source: of.peers.a1, hook: "input priority 100" };
      try {
        const lie = () => send("outsider", of.underlay.server, of.peers.a1);
        return await arrives(there, lie, seconds);
      } finally {
        await net.run("outsider", ["ip", "address", "delete", address, "dev", "underlay"]);
      }
    };
    const hostItself: Leak = (seconds) => reaches("a1", of.lan.server, 9000, seconds);
    const fromOutside: Leak = (seconds) => reaches("outsider", of.gateway, 8000, seconds);
    const unopened: Leak = (seconds) =>
      arrives(
        { role: "destination", source: of.peers.b1 },
        () => send("b1", of.lan.host),
        seconds,
      );
    const throughToElsewhere: Leak = (seconds) =>
      arrives(
        { role: "destination", source: of.underlay.outsider },
        () => send("outsider", unused),
        seconds,
      );
    const quotedByOthers: Leak = (seconds) =>
      arrives(
        { role: "a1", source: of.peers.b1 },
        () => net.run("b1", sendIcmp(of.peers.a1, unreachable(quoted))),
        seconds,
      );
    const wrongPort: Leak = (seconds) => reaches("a1", of.lan.host, 7001, seconds);
    const wrongHost: Leak = (seconds) => reaches("a1", of.lan.other, 7000, seconds);
    const wrongProtocol: Leak = (seconds) =>
      lab.pings("a1", of.lan.host, seconds === patience.answer);

    const atOnce: Leak = async (seconds) => {
      await using greedy = new Helper(net, "a2", manyAtOnce(of.gateway, seconds));
      return Number(await greedy.word()) > 64;
    };
    const fast: Leak = async (seconds) => {
      await using hasty = new Helper(net, "a2", manyInARow(of.gateway, seconds));
      const [opened, isTooMany] = (await hasty.word()).split(" ");
      assert.ok(Number(opened) > 0);
      return isTooMany === "true";
    };
    let ports = 20_000;
    const endless: Leak = async () => {
      const arrived = await countPorts(lab, of.peers.a2);
      await using sender = new Helper(net, "a2", manyFlows(of.lan.host, ports += 5000));
      // What a busy machine loses of them comes with the next round.
      let found = 0;
      for (let before = -1; found <= 2048 && (found <= 1500 || found > before);) {
        assert.equal(await sender.word(), "sent");
        [before, found] = [found, await arrived()];
        assert.ok(found > before || found > 1500, `no more than ${found} arrive`);
      }
      return found > 2048;
    };
    const tenant = `tenant_${a}`;
    const without = (pattern: RegExp) => (rule: string) => pattern.test(rule) ? "" : rule;
    const rewritten = (pattern: RegExp, by = "") => (rule: string) => rule.replace(pattern, by);
    const answers = `ct reply ${name} saddr`;
    const host = of.lan.host;
    const guards: [
      name: string,
      chain: string,
      change: (rule: string) => string,
      leak: Leak,
    ][] = [
      [
        "a source of the tunnel comes through it",
        "prerouting",
        without(RegExp(`${name} saddr`)),
        forged,
      ],
      [
        "through the tunnel, the API's port alone",
        "input",
        without(/^iifname "\w+" drop$/),
        hostItself,
      ],
      [
        "the API, through the tunnel alone",
        "input",
        without(RegExp(`^${name} daddr`)),
        fromOutside,
      ],
      ["out of the tunnel, what was opened", "forward", without(/^iifname/), unopened],
      ["what nobody opened", "tunnel", without(/^drop$/), unopened],
      [
        "to tunnel addresses, through the tunnel alone",
        "forward",
        without(RegExp(`^${name} daddr`)),
        throughToElsewhere,
      ],
      [
        "errors about a flow, from where it leads",
        tenant,
        without(RegExp(`^iifname "\\w+" ${name} saddr`)),
        quotedByOthers,
      ],
      ["a route's ports", tenant, rewritten(/ct reply proto-src 7000 /), wrongPort],
      [
        "a route's network",
        tenant,
        rewritten(RegExp(`${answers} ${host} meta l4proto tcp`), "meta l4proto tcp"),
        wrongHost,
      ],
      [
        "a route's protocol",
        tenant,
        rewritten(RegExp(`(${answers} ${host}) meta l4proto tcp ct reply proto-src 7000`), "$1"),
        wrongProtocol,
      ],
      [
        "of ICMP, errors alone",
        tenant,
        rewritten(RegExp(`(l4proto ${of.echo}) ct state related`), "$1"),
        wrongProtocol,
      ],
      ["connections of a peer", `api${number}`, without(/ct count/), atOnce],
      ["connections that a peer begins", `api${number}`, without(/limit rate/), fast],
      ["flows of a peer", `opened${number}`, without(/ct count/), endless],
    ];
    const check = async (what: string, run: () => Promise<void>) =>
      assert.ok(await t.step(`${name}: ${what}`, run), what);

    await check("with all of them, none of it passes", async () => {
      // What wgd_policy_faults_test shows of connections at once would be in the way of those that follow.
      const all = new Set(guards.map(([, , , leak]) => leak));
      all.delete(atOnce);
      const found = await Promise.all(
        [...all].map(async (leak) => [leak.name, await leak(patience.silence)]),
      );
      assert.deepEqual(found.filter(([, leaked]) => leaked), []);
      assert.ok(await reaches("a1", host, 7000, patience.answer));
      assert.ok(await reaches("a1", of.gateway, 8000, patience.answer));
    });
    for (const [what, chain, change, leak] of guards) {
      const rules = await rulesOf(lab, chain);
      await check(`without "${what}" it does`, async () => {
        const tried = () => leak(patience.answer);
        assert.equal(await withRules(lab, { chain, rules, change }, tried), true);
      });
    }
    await check("and errors from where a flow leads do arrive", async () => {
      const refused = new Helper(
        net,
        "a1",
        `const socket = await Deno.connect({ transport: "tcp", hostname: "${host}", port: 7000 });
        console.log("open");
        socket.close();`,
      );
      assert.equal(await refused.word(), "open");
      await refused[Symbol.asyncDispose]();
      const error = () => net.run("destination", sendIcmp(of.peers.a1, unreachable(quoted)));
      assert.ok(await arrives({ role: "a1", source: host }, error, patience.answer));
    });
    if (at === 0) continue;
    await check("while the interface has another name, everything is closed", async () => {
      await net.run("server", ["ip", "link", "set", wgd.name, "name", "elsewhere"]);
      for (const { gateway, lan: { host }, peers } of families) {
        assert.deepEqual(
          await Promise.all([
            reaches("a1", gateway, 8000),
            reaches("a1", gateway, 9000),
            reaches("a1", host, 7000),
            arrives(
              { role: "server", source: peers.a1, hook: "input priority 100" },
              () => send("a1", gateway),
              patience.silence,
            ),
            arrives(
              { role: "destination", source: peers.a1 },
              () => send("a1", host),
              patience.silence,
            ),
            arrives(
              { role: "a1", source: host },
              () => send("destination", peers.a1),
              patience.silence,
            ),
          ]),
          [false, false, false, false, false, false],
        );
      }
      await wgd.start();
      await until("it is open again", () => reaches("a1", lan.host6, 7000));
    });
  }
});
