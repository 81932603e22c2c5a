import assert from "node:assert/strict";
import { generatePresharedKey } from "../../lib/wireguard_key.ts";
import { tableName } from "../../wgd/interface/nft.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { assertWhole } from "../support/whole.ts";
import { TestDaemon } from "../support/wgd.ts";

/** T2: repaired within 5 s; the regular pass runs every 2 s. */
const bound = { timeoutMs: 5000 };

Deno.test("T2: drift of every kind is repaired within 5 s, counted and audited", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  const [peer, other] = await wgd.addPeers(2);
  assert.ok(peer && other);
  await Promise.all([wgd.untilState(peer, "applied"), wgd.untilState(other, "applied")]);
  const { name } = wgd;
  const address = `${peer.address}/32`;

  const link = async () => JSON.parse(await wgd.ip("-j", "address", "show", "dev", name))[0];
  const addresses = async () =>
    (await link()).addr_info.filter((found: { family: string }) => found.family === "inet")
      .map((found: { local: string; prefixlen: number }) => `${found.local}/${found.prefixlen}`)
      .sort();
  const peerIsRight = async () => {
    const found = (await wgd.dump()).peers.get(peer.publicKey);
    return found?.allowedIps.join() === address && found.persistentKeepalive === null &&
      found.presharedKey?.reveal() === peer.presharedKey?.reveal();
  };
  const total = async (kind: string) => {
    const text = await wgd.client.metrics();
    return Number(new RegExp(`drift_total\\{kind="${kind}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  const [platform] = await db.owner`
    insert into tenants (slug, name, is_platform) values ('platform', 'Platform', true) returning id`;
  /** What is of a peer with its tenant, what is of the interface with the operators' own. */
  const audited = async (kind: string, isOfPeer: boolean) => {
    const [row] = await db.owner<{ count: number }[]>`
      select count(*)::int from audit_log
        where action = 'wireguard.drift_repaired' and actor = 'daemon' and details->'differences' ? ${kind}
          and case when ${isOfPeer} then peer_id = ${peer.id} and tenant_id = ${peer.tenantId}
            else peer_id is null and tenant_id = ${platform?.id} end`;
    return row?.count ?? 0;
  };

  interface Case {
    kind: string;
    /** Not the peer's own drift, so its tenant is told nothing. */
    ofPeer?: false;
    damage: () => Promise<unknown>;
    repaired: () => Promise<boolean>;
  }
  const cases: Record<string, Case> = {
    "a peer removed": {
      kind: "missing",
      damage: () => wgd.wg("set", name, "peer", peer.publicKey, "remove"),
      repaired: peerIsRight,
    },
    "allowed IPs changed": {
      kind: "allowed_ips",
      damage: () => wgd.wg("set", name, "peer", peer.publicKey, "allowed-ips", "0.0.0.0/0"),
      repaired: peerIsRight,
    },
    "allowed IPs stolen by another peer": {
      kind: "allowed_ips",
      damage: () =>
        wgd.wg(
          "set",
          name,
          "peer",
          other.publicKey,
          "allowed-ips",
          `${other.address}/32,${address}`,
        ),
      repaired: async () =>
        await peerIsRight() &&
        (await wgd.dump()).peers.get(other.publicKey)?.allowedIps.length === 1,
    },
    "a preshared key changed": {
      kind: "preshared_key",
      damage: () =>
        net.run("server", [
          "wg",
          "set",
          name,
          "peer",
          peer.publicKey,
          "preshared-key",
          "/dev/stdin",
        ], {
          stdin: generatePresharedKey().reveal(),
        }),
      repaired: peerIsRight,
    },
    "a preshared key taken away": {
      kind: "preshared_key",
      damage: () => wgd.wg("set", name, "peer", peer.publicKey, "preshared-key", "/dev/null"),
      repaired: peerIsRight,
    },
    "a keepalive set": {
      kind: "persistent_keepalive",
      damage: () => wgd.wg("set", name, "peer", peer.publicKey, "persistent-keepalive", "25"),
      repaired: peerIsRight,
    },
    "a peer added": {
      kind: "foreign",
      ofPeer: false,
      damage: () =>
        net.run("server", [
          "sh",
          "-c",
          `wg set ${name} peer $(wg genkey | wg pubkey) allowed-ips 10.10.0.99/32`,
        ]),
      repaired: async () => await peerIsRight() && (await wgd.dump()).peers.size === 2,
    },
    "the listen port changed": {
      kind: "listen_port",
      ofPeer: false,
      damage: () => wgd.wg("set", name, "listen-port", "40000"),
      repaired: async () => (await wgd.dump()).listenPort === 51820,
    },
    "the private key changed": {
      kind: "private_key",
      ofPeer: false,
      damage: () =>
        net.run("server", ["sh", "-c", `wg genkey | wg set ${name} private-key /dev/stdin`]),
      repaired: async () =>
        (await wgd.dump()).publicKey === (await wgd.client.status()).interface.public_key,
    },
    "the link down": {
      kind: "link_down",
      ofPeer: false,
      damage: () => wgd.ip("link", "set", name, "down"),
      repaired: async () =>
        (await link()).flags.includes("UP") &&
        (await wgd.ip("route", "show", "dev", name)).includes("10.10.0.0/24"),
    },
    "the gateway's address removed": {
      kind: "address",
      ofPeer: false,
      damage: () => wgd.ip("address", "delete", "10.10.0.1/24", "dev", name),
      repaired: async () => (await addresses()).join() === "10.10.0.1/24,10.10.0.2/32",
    },
    "an address added": {
      kind: "address",
      ofPeer: false,
      damage: () => wgd.ip("address", "add", "10.10.0.77/24", "dev", name),
      repaired: async () => (await addresses()).join() === "10.10.0.1/24,10.10.0.2/32",
    },
    "the MTU changed": {
      kind: "mtu",
      ofPeer: false,
      damage: () => wgd.ip("link", "set", name, "mtu", "1300"),
      repaired: async () => (await link()).mtu === 1420,
    },
    "the firewall table deleted": {
      kind: "firewall",
      ofPeer: false,
      damage: () => net.run("server", ["nft", "delete", "table", "inet", tableName(name)]),
      repaired: async () =>
        (await net.exec("server", ["nft", "list", "table", "inet", tableName(name)])).success,
    },
    "a firewall rule added": {
      kind: "firewall",
      ofPeer: false,
      damage: () =>
        net.run("server", [
          "nft",
          `insert rule inet ${tableName(name)} input tcp dport 4711 accept`,
        ]),
      repaired: async () =>
        !(await net.run("server", ["nft", "list", "table", "inet", tableName(name)])).includes(
          "4711",
        ),
    },
    "the firewall's rules flushed": {
      kind: "firewall",
      ofPeer: false,
      damage: () => net.run("server", ["nft", "flush", "table", "inet", tableName(name)]),
      repaired: async () =>
        (await net.run("server", ["nft", "list", "table", "inet", tableName(name)])).includes(
          "drop",
        ),
    },
    "the interface renamed": {
      kind: "name",
      ofPeer: false,
      damage: () => wgd.ip("link", "set", name, "name", `${name}x`),
      repaired: async () => await link() && await peerIsRight(),
    },
    "the interface deleted": {
      kind: "interface",
      ofPeer: false,
      damage: () => wgd.ip("link", "delete", name),
      repaired: async () => await peerIsRight() && (await addresses()).length === 2,
    },
  };

  for (const [what, { kind, ofPeer = true, damage, repaired }] of Object.entries(cases)) {
    const passed = await t.step(what, async () => {
      const of = { peer: () => audited(kind, true), interface: () => audited(kind, false) };
      const before = {
        total: await total(kind),
        peer: await of.peer(),
        interface: await of.interface(),
      };
      await damage();
      assert.equal(await repaired().catch(() => false), false, "the damage was done");
      await until("it is repaired", () => repaired(), bound);
      await until("it is counted", async () => await total(kind) > before.total);
      const [told, untold] = ofPeer
        ? ["peer", "interface"] as const
        : ["interface", "peer"] as const;
      await until("it is audited", async () => await of[told]() > before[told]);
      assert.equal(await of[untold](), before[untold]);
    });
    assert.ok(passed, what);
  }

  await t.step("then a full pass finds nothing and writes nothing", async () => {
    const written = async () => {
      const rows = await db.owner`select xmin::text, * from wg_peer_status order by peer_id`;
      return JSON.stringify([...rows]);
    };
    await wgd.client.reconcile({});
    const before = await written();
    await wgd.client.reconcile({});
    assert.equal((await wgd.client.status()).counts.drift, 0);
    assert.equal(await written(), before);
    await assertWhole(wgd);
  });
});
