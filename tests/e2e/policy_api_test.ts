import assert from "node:assert/strict";
import { echoClient, echoServer } from "../support/policy.ts";
import { refusedNetwork, refusingNft } from "../support/programs.ts";
import { peerOn, stackOn, type StackTenant, tenantOn } from "../support/stack.ts";
import {
  countFrom,
  Helper,
  isAnswered,
  lan,
  listenOn,
  moveBehindServer,
  patience,
} from "../support/tunnel_lab.ts";
import { until } from "../support/until.ts";

const network6 = "fd6d:617a:7a61:6::/64";
const closed = { peer_to_peer: false, services: [], routes: [] };

Deno.test("T9: a policy through API and daemon: applied is in the packets of both families, pending and rejected are not", async (t) => {
  await using programs = await refusingNft();
  await using made = await stackOn(
    { env: { WG_NETWORK6: network6 }, programs: programs.folder },
    ...["a1", "a2", "b1", "destination"],
  );
  const { net, daemon, operator } = made;
  await moveBehindServer(net, "destination");
  for (const name of ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"]) {
    await net.run("server", ["sysctl", "-qw", `${name}=1`]);
  }
  await daemon.start();
  await made.startApi();
  const [acme, other] = [await tenantOn(made, "acme"), await tenantOn(made, "other")];
  const routed = ["10.10.0.0/24", network6, lan.network, lan.network6];
  const peerOf = async (tenant: StackTenant) =>
    await peerOn(made, tenant, { client_allowed_ips: routed });
  const [a1, a2, b1] = [await peerOf(acme), await peerOf(acme), await peerOf(other)];
  await using first = await made.client("a1", a1.config);
  await using _second = await made.client("a2", a2.config);
  await using _third = await made.client("b1", b1.config);
  await using _services = await listenOn(net, "a2", [7000, 7001]);
  await using _theirs = await listenOn(net, "b1", [7000]);
  await using _lan = await listenOn(net, "destination", [7000, 7001]);
  await using echo = new Helper(net, "destination", echoServer(7002));
  assert.equal(await echo.word(), "ready");

  const login = await first.request("/api/v1/auth/login", {
    method: "POST",
    headers: { "X-Tenant-ID": acme.slug },
    json: { email: acme.email, password: acme.password },
    timeoutMs: 60_000,
  });
  assert("body" in login, Deno.inspect(login));
  const headers = { Authorization: `Bearer ${login.body.access_token}` };
  /** As the tenant's admin, through the tunnel. */
  const ask = async (method: string, path: string, json?: unknown) => {
    const reply = await first.request(`/api/v1/wireguard${path}`, {
      ...{ method, headers, timeoutMs: 60_000 },
      ...(json === undefined ? {} : { json }),
    });
    assert("body" in reply, Deno.inspect(reply));
    return reply;
  };
  const put = async (policy: unknown) => {
    const { status, body } = await ask("PUT", "/policy", policy);
    assert.equal(status, 200, JSON.stringify(body));
    return [body.status, body.error];
  };
  const applied = ["applied", null];
  const grant = async (network: string, ports?: string) => {
    const { status, body } = await operator("/wireguard/grants", {
      tenant: acme.id,
      json: {
        name: `${network} ${ports}`,
        network,
        protocol: "tcp",
        ...(ports === undefined ? {} : { ports }),
      },
    });
    assert.equal(status, 201, JSON.stringify(body));
    return body.id as string;
  };
  const reaches = (from: string, address: string, port: number, seconds = patience.silence) =>
    isAnswered(net, from, { address, port, seconds });
  const targets = [
    ...[["a1", "a2", 7000], ["a1", "a2", 7001], ["a2", "b1", 7000], ["b1", "a2", 7000]] as const,
    ...[["a1", "lan", 7000], ["a1", "lan", 7001], ["b1", "lan", 7000]] as const,
    ["destination", "a2", 7000] as const,
  ];
  const places: Record<string, [four: string, six: string]> = {
    a2: [a2.peer.address, a2.peer.address6],
    b1: [b1.peer.address, b1.peer.address6],
    lan: [lan.host, lan.host6],
  };
  /** Of everything there is, this is reached and nothing else, by either family. */
  const assertReached = async (expected: string[], because?: string) => {
    const found = await Promise.all(targets.map(async ([from, to, port]) => {
      const name = `${from} ${to}:${port}`;
      const seconds = expected.includes(name) ? patience.answer : patience.silence;
      const [four = "", six = ""] = places[to] ?? [];
      const both = await Promise.all([
        reaches(from, four, port, seconds),
        reaches(from, six, port, seconds),
      ]);
      assert.equal(both[0], both[1], `${from} to ${to}:${port} by IPv4 and by IPv6`);
      return both[0] ? name : "";
    }));
    assert.deepEqual(found.filter(Boolean), expected, because);
  };
  const check = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);

  await check("closed is how every tenant begins", async () => {
    const { body } = await ask("GET", "/policy");
    assert.deepEqual([body.status, body.version], ["applied", 0]);
    await assertReached([]);
  });
  await check(
    "peer to peer, in force with the answer: the tenant's own and nobody else",
    async () => {
      assert.deepEqual(await put({ ...closed, peer_to_peer: true }), applied);
      await assertReached(["a1 a2:7000", "a1 a2:7001"]);
    },
  );
  await check("a service: that port of that peer, at both of its addresses", async () => {
    const services = [{ name: "web", peer_id: a2.peer.id, protocol: "tcp", ports: "7000" }];
    assert.deepEqual(await put({ ...closed, services }), applied);
    await assertReached(["a1 a2:7000"]);
  });
  const grants: string[] = [];
  const open = () => ({ ...closed, routes: grants.map((grant_id) => ({ grant_id })) });
  await check("a route: those ports of what the operator granted, and no way back in", async () => {
    for (const network of [lan.network, lan.network6]) {
      grants.push(await grant(network, "7000"), await grant(network, "7002"));
    }
    assert.deepEqual(await put(open()), applied);
    await assertReached(["a1 lan:7000"]);
    const beyond = await ask("PUT", "/policy", {
      ...closed,
      routes: [{ grant_id: grants[0], ports: "7001" }],
    });
    assert.deepEqual([beyond.status, beyond.body.errors[0].code], [422, "not_granted"]);
    await assertReached(["a1 lan:7000"], "and nothing changed");
  });
  await check("closing ends what is established, with the answer", async () => {
    for (const [host, source] of [[lan.host, a1.peer.address], [lan.host6, a1.peer.address6]]) {
      await using flow = new Helper(net, "a1", echoClient(host ?? "", 7002));
      assert.equal(await flow.word(), "open");
      for (let n = 0; n < 5; n++) assert.equal(await flow.word(), String(n));
      assert.deepEqual(await put({ ...closed, peer_to_peer: true }), applied);
      const arrived = await countFrom(net, "destination", source ?? "");
      // TCP repeats what got no answer, so silence is not for want of trying.
      const sent = await countFrom(net, "server", source ?? "", "forward priority -20");
      await until("it is tried again", async () => await sent() >= 2);
      assert.equal(await arrived(), 0);
      assert.deepEqual(await put(open()), applied);
      await until("opened again, it goes on where it was", async () => await flow.word() !== "", {
        timeoutMs: 60_000,
      });
    }
  });
  await check("what the host's nft refuses is rejected, says so, and closes", async () => {
    const odd = await grant(refusedNetwork);
    const said = await put({ ...open(), routes: [...open().routes, { grant_id: odd }] });
    assert.deepEqual(said, ["rejected", "the host's nftables refuses its rules"]);
    await assertReached([]);
    assert.deepEqual(await put(open()), applied);
    await assertReached(["a1 lan:7000"]);
  });
  await check("a grant that is withdrawn is gone with the answer", async () => {
    for (const id of grants.splice(2, 2)) {
      const { status, body } = await operator(`/wireguard/grants/${id}`, {
        method: "DELETE",
        tenant: acme.id,
      });
      assert.deepEqual([status, body], [200, { removed: true }]);
    }
    assert.equal(await reaches("a1", lan.host6, 7000), false);
    assert.ok(
      await reaches("a1", lan.host, 7000, patience.answer),
      "the other one's routes stay",
    );
  });
  await check(
    "pending while the daemon is down, and what was in force stays; then applied by itself",
    async () => {
      await daemon.end("SIGKILL");
      assert.deepEqual(await put({ ...closed, peer_to_peer: true }), ["pending", null]);
      assert.equal(await reaches("a1", a2.peer.address, 7000), false);
      assert.ok(
        await reaches("a1", lan.host, 7000, patience.answer),
        "closing it is not confirmed, and not claimed",
      );
      const { status } = await operator(`/wireguard/grants/${grants[0]}`, {
        method: "DELETE",
        tenant: acme.id,
      });
      assert.equal(status, 202, "so is a grant that is withdrawn");
      await daemon.start();
      await until("it is applied", async () => {
        return (await ask("GET", "/policy")).body.status === "applied";
      });
      await assertReached(["a1 a2:7000", "a1 a2:7001"]);
    },
  );
});
