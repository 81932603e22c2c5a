import assert from "node:assert/strict";
import { lines } from "../../lib/lines.ts";
import { testDatabase } from "../support/database.ts";
import { type Namespaces, namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { isEchoed, patience } from "../support/tunnel_lab.ts";
import { TestDaemon } from "../support/wgd.ts";

/** A server that answers every TCP connection on all addresses of a namespace. */
async function listen(net: Namespaces, role: string, ports: number[]): Promise<AsyncDisposable> {
  const script = `for (const port of ${JSON.stringify(ports)}) {
    Deno.serve({ hostname: "::", port, onListen() {} }, () => new Response("answer"));
  }
  console.log("ready");`;
  const [program = "", ...args] = net.argv(role, [Deno.execPath(), "run", "--allow-net", "-"]);
  const child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  const words = lines(child.stdout);
  assert.equal((await words.next()).value, "ready");
  return {
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await words.return(undefined);
      await child.status;
    },
  };
}

Deno.test("T1, T9: what the tunnel's firewall lets through, in packets", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server", "client", "second", "outsider");
  await using wgd = await TestDaemon.create(db, net);
  await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  await wgd.start();
  const [peer, second] = await wgd.addPeers(2);
  assert.ok(peer && second);
  await Promise.all([wgd.untilState(peer, "applied"), wgd.untilState(second, "applied")]);
  const tunnel = await wgd.connect("client", peer);
  await wgd.connect("second", second);
  await using _api = await listen(net, "server", [8000, 9000]);
  await using _other = await listen(net, "second", [8000]);

  const reaches = async (from: string, url: string, seconds = patience.silence) => {
    const curl = ["curl", "--silent", "--max-time", `${seconds}`, "--noproxy", "*", url];
    return (await net.exec(from, curl)).stdout === "answer";
  };
  const answers = (from: string, url: string) => reaches(from, url, patience.answer);
  const pings = (from: string, address: string) => isEchoed(net, from, { address });
  const echoes = (from: string, address: string) => isEchoed(net, from, { address, must: true });
  await until(
    "both tunnels carry packets",
    async () => await pings("client", "10.10.0.1") && await pings("second", "10.10.0.1"),
  );
  const check = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  await check("a peer reaches the API's port on both addresses, and echo", async () => {
    assert.ok(await answers("client", "http://10.10.0.1:8000"));
    assert.ok(await answers("client", "http://10.10.0.2:8000"));
    assert.ok(await echoes("client", "10.10.0.2"));
  });
  await check("a peer reaches no other port of the gateway", async () => {
    assert.equal(await reaches("client", "http://10.10.0.1:9000"), false);
    assert.equal(await reaches("client", "http://10.10.0.2:9000"), false);
  });
  await check("a peer reaches no other address of the host through the tunnel", async () => {
    await net.run("server", ["ip", "address", "add", "198.51.100.1/32", "dev", "lo"]);
    await net.run("client", ["ip", "route", "add", "198.51.100.1/32", "dev", tunnel]);
    const widen = ["allowed-ips", "10.10.0.0/24,198.51.100.1/32"];
    const gateway = (await wgd.dump()).publicKey ?? "";
    await net.run("client", ["wg", "set", tunnel, "peer", gateway, ...widen]);
    assert.equal(await reaches("client", "http://198.51.100.1:8000"), false);
    assert.equal(await pings("client", "198.51.100.1"), false);
  });
  await check("a peer reaches no other peer, though the host forwards", async () => {
    assert.ok(await answers("second", `http://${second.address}:8000`), "the other peer listens");
    assert.equal(await reaches("client", `http://${second.address}:8000`), false);
    assert.equal(await pings("client", second.address), false);
  });
  await check("a peer reaches nothing behind the host", async () => {
    const outside = net.address("outsider");
    await net.run("client", ["ip", "route", "add", `${outside}/32`, "dev", tunnel]);
    await net.run("outsider", ["ip", "route", "add", "10.10.0.0/24", "via", net.address("server")]);
    const gateway = (await wgd.dump()).publicKey ?? "";
    const widen = ["allowed-ips", `10.10.0.0/24,${outside}/32`];
    await net.run("client", ["wg", "set", tunnel, "peer", gateway, ...widen]);
    assert.equal(await pings("client", outside), false);
    await net.run("client", ["ip", "route", "delete", `${outside}/32`, "dev", tunnel]);
    assert.ok(await echoes("client", outside), "it answers on the underlay");
  });
  await check(
    "an outsider reaches neither API nor gateway, whatever source it claims",
    async () => {
      // It has a route to the tunnel's network by way of the host, and then a peer's address of its own.
      for (const address of ["10.10.0.1", "10.10.0.2"]) {
        assert.equal(await reaches("outsider", `http://${address}:8000`), false);
        assert.equal(await pings("outsider", address), false);
      }
      await net.run("outsider", ["ip", "address", "add", "10.10.0.50/32", "dev", "underlay"]);
      const claim = ["curl", "--silent", "--max-time", "2", "--interface", "10.10.0.50"];
      const { stdout } = await net.exec("outsider", [...claim, "http://10.10.0.2:8000"]);
      assert.equal(stdout, "");
      assert.equal(await pings("outsider", peer.address), false);
    },
  );
  await check("the host itself reaches the API through the tunnel alone, not over lo", async () => {
    assert.equal(await reaches("server", "http://10.10.0.2:8000"), false);
  });
  await check("other traffic of the host is not touched", async () => {
    assert.ok(await answers("outsider", `http://${net.address("server")}:9000`));
    assert.ok(await echoes("outsider", net.address("server")));
    assert.ok(await answers("server", "http://127.0.0.1:9000"));
    const rules = await net.run("server", ["nft", "list", "ruleset"]);
    assert.equal(rules.match(/^table/gm)?.length, 1);
  });
  await check(
    "IPv6 from the tunnel is dropped, and the firewall outlives a killed daemon",
    async () => {
      await wgd.end("SIGKILL");
      const gateway = (await wgd.dump()).publicKey ?? "";
      const both = (address: string) => ["allowed-ips", `${address},fd00:1::/64`];
      await wgd.wg("set", wgd.name, "peer", peer.publicKey, ...both(`${peer.address}/32`));
      await net.run("client", ["wg", "set", tunnel, "peer", gateway, ...both("10.10.0.0/24")]);
      await wgd.ip("address", "add", "fd00:1::1/64", "dev", wgd.name, "nodad");
      await net.run("client", ["ip", "address", "add", "fd00:1::6/64", "dev", tunnel, "nodad"]);
      assert.equal(await reaches("client", "http://[fd00:1::1]:8000"), false);
      assert.ok(await answers("client", "http://10.10.0.1:8000"));
    },
  );
  await check(
    "everything above was the firewall's doing: without it, they get through",
    async () => {
      await net.run("server", ["nft", "flush", "ruleset"]);
      assert.ok(await answers("client", "http://10.10.0.1:9000"));
      assert.ok(await answers("client", "http://[fd00:1::1]:8000"));
      assert.ok(await answers("outsider", "http://10.10.0.2:8000"));
      assert.ok(await answers("server", "http://10.10.0.2:8000"));
      assert.ok(await answers("client", `http://${second.address}:8000`));
    },
  );
});
