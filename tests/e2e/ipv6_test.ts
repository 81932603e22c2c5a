import assert from "node:assert/strict";
import { addressPlan } from "../../lib/address.ts";
import { lines } from "../../lib/lines.ts";
import { apiUrl, peerOn, type Stack, stackOn, tenantOn } from "../support/stack.ts";
import { startPings } from "../support/pings.ts";
import { isEchoed, patience } from "../support/tunnel_lab.ts";
import { until } from "../support/until.ts";

const network6 = "fd6d:617a:7a61:1::/64";
const { six } = addressPlan("10.10.0.0/24", network6);
const gateway6 = six?.gateway ?? "";
const api6 = six?.api ?? "";
const baseUrl = `http://[${api6}]:8000`;

/** Asks for echoes all the while; each comes back, or the test fails. */
async function pingThrough(
  { net }: Stack,
  { from, to }: { from: string; to: string },
  disturb: () => Promise<void>,
): Promise<void> {
  const pings = startPings((command) => net.argv(from, command), to);
  await disturb().finally(() => pings.stop());
  const { sent, received } = await pings.stop();
  assert.equal(received, sent, `${sent - received} of ${sent} echoes were lost`);
  assert.ok(sent > 100);
}

/** Watches the addresses of a namespace; answers what came and went, in order. */
async function watchAddresses(
  { net }: Stack,
  role: string,
): Promise<{ stop(): Promise<string[]> }> {
  const [program = "", ...args] = net.argv(role, ["ip", "-oneline", "monitor", "address"]);
  const child = new Deno.Command(program, { args, stdout: "piped", stderr: "null" }).spawn();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const line of lines(child.stdout)) if (line !== "") seen.push(line);
  })();
  // It is at its place once it has seen something.
  await until("it watches", async () => {
    for (const verb of ["add", "delete"]) {
      await net.run(role, ["ip", "address", verb, "127.0.0.9/32", "dev", "lo"]);
    }
    return seen.length > 0;
  });
  return {
    async stop() {
      child.kill("SIGTERM");
      await Promise.all([reading, child.status]);
      return seen;
    },
  };
}

/** What became of an attempt to connect: refused by the host itself, or swallowed on the way. */
async function connects(
  { net }: Stack,
  from: string,
  url: string,
  { source, seconds = patience.silence }: { source?: string; seconds?: number } = {},
) {
  const { code, stdout } = await net.exec(from, [
    ...["curl", "--silent", "--globoff", "--max-time", `${seconds}`, "--noproxy", "*"],
    ...(source === undefined ? [] : ["--interface", source]),
    url,
  ]);
  return code === 0 && stdout !== "" ? "answered" : code === 7 ? "reached" : "swallowed";
}

const pings = ({ net }: Stack, from: string, address: string, must = false) =>
  isEchoed(net, from, { address, must });

async function addresses({ daemon }: Stack): Promise<string[]> {
  const [link] = JSON.parse(await daemon.ip("-j", "address", "show", "dev", daemon.name));
  return link.addr_info.filter((found: { scope: string }) => found.scope !== "link")
    .map((found: { local: string; prefixlen: number }) => `${found.local}/${found.prefixlen}`)
    .sort();
}

Deno.test("T1, T4, T5, T9: IPv6 beside IPv4, and a network that grows, under a running tunnel", async (t) => {
  const env: Record<string, string> = {};
  await using made = await stackOn({ env }, "client", "second", "outsider");
  const { daemon, net, db } = made;
  await daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const other = await tenantOn(made, "other");
  const early = await peerOn(made, acme, { name: "early" });
  await using first = await made.client("client", early.config);
  await until("the tunnel carries packets", () => pings(made, "client", "10.10.0.1"));
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const allowedIps = async (publicKey: string) =>
    [...(await daemon.dump()).peers.get(publicKey)?.allowedIps ?? []].sort();
  const restart = async () => {
    await daemon.end();
    await daemon.start();
  };

  await step("without the setting there is none, and one added by hand is taken away", async () => {
    assert.deepEqual(await addresses(made), ["10.10.0.1/24", "10.10.0.2/32"]);
    await daemon.ip("address", "add", "fd00:9::1/64", "dev", daemon.name, "nodad");
    await until("it is gone", async () => (await addresses(made)).length === 2);
  });

  await step("T4: turned on, every peer gets its address, and no echo is lost", async () => {
    const drift = async () => (await daemon.client.status()).counts.drift;
    await pingThrough(
      made,
      { from: "client", to: "10.10.0.1" },
      async () => {
        env.WG_NETWORK6 = network6;
        await restart();
        await made.stopApi();
        await made.startApi();
        await daemon.client.reconcile({});
      },
    );
    assert.deepEqual(await allowedIps(early.peer.public_key), [
      "10.10.0.6/32",
      "fd6d:617a:7a61:1::6/128",
    ]);
    assert.deepEqual(await addresses(made), [
      ...["10.10.0.1/24", "10.10.0.2/32"],
      ...[`${gateway6}/64`, `${api6}/128`],
    ]);
    const { body } = await made.operator(`/wireguard/peers/${early.peer.id}`, { tenant: acme.id });
    assert.equal(body.address6, "fd6d:617a:7a61:1::6");
    assert.equal(body.status, "active");
    assert.equal(await drift(), 0);
    const repairs = await db.owner`
      select from audit_log where action = 'wireguard.drift_repaired' and peer_id = ${early.peer.id}`;
    assert.equal(repairs.length, 0, "a setting that changed is no drift");
  });

  const late = await peerOn(made, other, { name: "late" });
  await using client = await made.client("second", late.config);
  const address6: string = late.peer.address6;

  await step("T1, T10: a new file reaches the API by both families, as its peer", async () => {
    await until("the tunnel carries packets", () => pings(made, "second", gateway6));
    for (const base of [baseUrl, baseUrl.replace(api6, gateway6), apiUrl]) {
      const info = await client.request("/api/v1/info", { baseUrl: base });
      assert("body" in info, Deno.inspect(info));
      const { address, peer_id, tenant_id } = info.body.caller;
      assert.deepEqual([peer_id, tenant_id], [late.peer.id, other.id]);
      assert.equal(address, base === apiUrl ? late.peer.address : address6);
    }
    assert.ok(await pings(made, "second", api6, true));
  });

  await step("T9: and nothing else: no port, no peer, no source that is not its own", async () => {
    assert.equal(await connects(made, "second", `http://[${gateway6}]:9000`), "swallowed");
    const neighbour = "fd6d:617a:7a61:1::6";
    await net.run("server", ["sysctl", "-qw", "net.ipv6.conf.all.forwarding=1"]);
    const gateway = (await daemon.dump()).publicKey ?? "";
    await net.run("second", [
      ...["wg", "set", client.name, "peer", gateway, "allowed-ips", `10.10.0.0/24,${network6}`],
    ]);
    await net.run("second", ["ip", "-6", "route", "add", network6, "dev", client.name]);
    await net.run("client", [
      ...["ip", "address", "add", `${neighbour}/128`, "dev", first.name, "nodad"],
    ]);
    assert.equal(await pings(made, "second", neighbour), false);
    assert.equal(await connects(made, "second", `http://[${neighbour}]:9000`), "swallowed");
    const forged = "fd6d:617a:7a61:1::99";
    await net.run("second", ["ip", "address", "add", `${forged}/128`, "dev", client.name, "nodad"]);
    assert.equal(
      await connects(made, "second", `${baseUrl}/health`, { source: forged }),
      "swallowed",
    );
    const own = { source: address6, seconds: patience.answer };
    assert.equal(await connects(made, "second", `${baseUrl}/health`, own), "answered");
  });

  const outside = (how: { source?: string; seconds?: number } = {}) =>
    connects(made, "outsider", `${baseUrl}/health`, how);
  await step("T1: an outsider reaches nothing, whatever source it claims", async () => {
    await net.run("server", ["ip", "address", "add", "fd99::1/64", "dev", "underlay", "nodad"]);
    await net.run("outsider", ["ip", "address", "add", "fd99::4/64", "dev", "underlay", "nodad"]);
    await net.run("outsider", ["ip", "-6", "route", "add", network6, "via", "fd99::1"]);
    await net.run("outsider", ["ip", "address", "add", `${address6}/128`, "dev", "lo", "nodad"]);
    assert.equal(await outside(), "swallowed");
    assert.equal(await outside({ source: address6 }), "swallowed");
    assert.equal(await pings(made, "outsider", gateway6), false);
    assert.ok(await pings(made, "outsider", "fd99::1", true), "the host itself answers");
  });

  await step("T2: drift of either family is found and repaired", async () => {
    const key = late.peer.public_key;
    const right = [`${late.peer.address}/32`, `${address6}/128`];
    const wrong = [right[0] ?? "", right[1] ?? "", "", `${right},fd00:9::7/128`];
    for (const ips of wrong) {
      const before = await daemon.driftFound();
      await daemon.wg("set", daemon.name, "peer", key, "allowed-ips", ips);
      await until(
        `"${ips}" is found and repaired`,
        async () =>
          await daemon.driftFound() > before && String(await allowedIps(key)) === String(right),
        { timeoutMs: 5_000 },
      );
    }
    await daemon.ip("address", "delete", `${api6}/128`, "dev", daemon.name);
    await until("the address is back", async () => (await addresses(made)).includes(`${api6}/128`));
    const routes = () => daemon.ip("-6", "-details", "route", "show", "dev", daemon.name);
    const before = await routes();
    const foundBefore = await daemon.driftFound();
    for (const network of ["10.10.0.0/24", network6]) {
      await daemon.ip("route", "delete", network, "dev", daemon.name);
    }
    await until(
      "the route is back",
      async () => await daemon.driftFound() > foundBefore && await routes() === before,
    );
    for (const to of [api6, "10.10.0.2"]) assert.ok(await pings(made, "second", to, true));
  });

  await step(
    "T4, T5: a network that grows loses no echo, and hands new addresses out",
    async () => {
      await db.owner`update wg_ip_pool set free_from = 'infinity' where free_from is not null`;
      const monitor = await watchAddresses(made, "server");
      await pingThrough(
        made,
        { from: "client", to: "10.10.0.1" },
        async () => {
          env.WG_NETWORK = "10.10.0.0/20";
          await restart();
          await made.stopApi();
          await made.startApi();
        },
      );
      const { body } = await made.operator(`/wireguard/peers/${early.peer.id}`, {
        tenant: acme.id,
      });
      assert.deepEqual([body.address, body.status], ["10.10.0.6", "active"]);
      const seen = await monitor.stop();
      const came = seen.findIndex((line) => /inet 10\.10\.0\.1\/20/.test(line));
      const went = seen.findIndex((line) => /^Deleted .*inet 10\.10\.0\.1\/24/.test(line));
      assert.ok(came >= 0 && went > came, `the address was away:\n${seen.join("\n")}`);
      assert.ok((await addresses(made)).includes("10.10.0.1/20"));
      assert.ok(!(await addresses(made)).includes("10.10.0.1/24"));
      const [a, b] = [await peerOn(made, acme), await peerOn(made, acme)];
      assert.deepEqual([a.peer.address, b.peer.address], ["10.10.0.255", "10.10.1.0"]);
      assert.equal(b.peer.address6, "fd6d:617a:7a61:1::100");
      await using grown = await made.client("outsider", b.config);
      const info = await grown.request("/api/v1/info");
      assert("body" in info, Deno.inspect(info));
      assert.equal(info.body.caller.peer_id, b.peer.id);
      assert.equal(info.body.wireguard_network, "10.10.0.0/20");
    },
  );

  await step(
    "T5: a smaller or another network is refused in plain words, and nothing changes",
    async () => {
      await daemon.end();
      for (
        const [setting, words] of [
          [{ WG_NETWORK: "10.10.0.0/24" }, /WG_NETWORK can only grow/],
          [{ WG_NETWORK6: "fd00:5::/64" }, /WG_NETWORK6 does not move/],
        ] as const
      ) {
        const { code, stdout } = await daemon.output("wgd/main.ts", setting);
        assert.equal(code, 1);
        assert.match(new TextDecoder().decode(stdout), words);
      }
      await daemon.start();
      assert.equal((await daemon.client.status()).counts.drift, 0);
    },
  );

  await step(
    "the packets above were the firewall's doing: without it they get through",
    async () => {
      await daemon.end("SIGKILL");
      await net.run("server", ["nft", "flush", "ruleset"]);
      const must = { seconds: patience.answer };
      assert.equal(await outside(must), "answered");
      assert.equal(await connects(made, "second", `http://[${gateway6}]:9000`, must), "reached");
    },
  );

  await step("turned off again, it is taken away from peers and interface", async () => {
    delete env.WG_NETWORK6;
    await daemon.start();
    assert.deepEqual(await allowedIps(late.peer.public_key), [`${late.peer.address}/32`]);
    assert.deepEqual((await addresses(made)).filter((address) => address.includes(":")), []);
  });
});
