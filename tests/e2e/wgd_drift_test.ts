import assert from "node:assert/strict";
import { generatePresharedKey } from "../../lib/wireguard_key.ts";
import { tableName } from "../../wgd/interface/nft.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { assertWhole } from "../support/whole.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";

/** T2: repaired within 5 s; the regular pass runs every second. */
const bound = { timeoutMs: 5000 };

Deno.test("T2: drift of every kind is repaired within 5 s, counted and audited", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  const peers = await wgd.addPeers(7);
  const [removed, moved, robbed, thief, rekeyed, stripped, woken] = peers;
  assert.ok(removed && moved && robbed && thief && rekeyed && stripped && woken);
  for (const peer of peers) await wgd.untilState(peer, "applied");
  const { name } = wgd;
  const gatewayKey = (await wgd.dump()).publicKey;

  const link = async () => JSON.parse(await wgd.ip("-j", "address", "show", "dev", name))[0];
  const addresses = async () =>
    (await link()).addr_info.filter((found: { family: string }) => found.family === "inet")
      .map((found: { local: string; prefixlen: number }) => `${found.local}/${found.prefixlen}`)
      .sort();
  const routes = () => wgd.ip("-details", "route", "show", "dev", name);
  const routesBefore = await routes();
  assert.match(routesBefore, /^unicast 10\.10\.0\.0\/24 /);
  const isRight = async ({ publicKey, address, presharedKey }: TestPeer) => {
    const found = (await wgd.dump()).peers.get(publicKey);
    return found?.allowedIps.join() === `${address}/32` && found.persistentKeepalive === null &&
      found.presharedKey?.reveal() === presharedKey?.reveal();
  };
  const allAreRight = async () => (await Promise.all(peers.map(isRight))).every(Boolean);
  const table = async () =>
    await net.run("server", ["nft", "list", "table", "inet", tableName(name)]);
  const total = async (kind: string) => {
    const text = await wgd.client.metrics();
    return Number(new RegExp(`drift_total\\{kind="${kind}"\\} (\\d+)`).exec(text)?.[1] ?? 0);
  };
  const [platform] = await db.owner`
    insert into tenants (slug, name, is_platform) values ('platform', 'Platform', true) returning id`;
  /** What is of a peer with its tenant, what is of the interface with the operators' own. */
  const audited = async (kind: string) => {
    const [row] = await db.owner<{ peers: string[]; interface: number }[]>`
      select coalesce(array_agg(peer_id::text) filter (
            where tenant_id = ${await wgd.tenant()} and peer_id is not null), '{}') as peers,
          count(*) filter (where tenant_id = ${platform?.id} and peer_id is null)::int as interface
        from audit_log
        where action = 'wireguard.drift_repaired' and actor = 'daemon'
          and details->'differences' ? ${kind}`;
    return row ?? assert.fail();
  };

  interface Case {
    kind: string;
    /** Whose drift it is; where it is the interface's own, no tenant is told anything. */
    of?: TestPeer;
    damage: () => Promise<unknown>;
    repaired: () => Promise<boolean>;
  }
  const ofPeer = (kind: string, of: TestPeer, ...change: string[]): Case => ({
    kind,
    of,
    damage: () => wgd.wg("set", name, "peer", of.publicKey, ...change),
    repaired: () => isRight(of),
  });
  /** Those of one round hide nothing of one another, and are there together. */
  const rounds: Record<string, Case>[] = [{
    "a peer removed": ofPeer("missing", removed, "remove"),
    "allowed IPs changed": ofPeer("allowed_ips", moved, "allowed-ips", "192.0.2.0/24"),
    "a preshared key changed": {
      ...ofPeer("preshared_key", rekeyed),
      damage: () =>
        net.run("server", [
          ...["wg", "set", name, "peer", rekeyed.publicKey, "preshared-key", "/dev/stdin"],
        ], { stdin: generatePresharedKey().reveal() }),
      // And whoever asks why the tunnel broke is told so.
      repaired: async () => {
        if (!await isRight(rekeyed)) return false;
        const [seen] = await wgd.client.peers(rekeyed.id);
        return seen?.differs?.length === 0 &&
          seen.drift_repaired?.differences.join() === "preshared_key";
      },
    },
    "a keepalive set": ofPeer("persistent_keepalive", woken, "persistent-keepalive", "25"),
    "a peer added": {
      kind: "foreign",
      damage: () =>
        net.run("server", [
          "sh",
          "-c",
          `wg set ${name} peer $(wg genkey | wg pubkey) allowed-ips 10.10.0.99/32`,
        ]),
      repaired: async () =>
        [...(await wgd.dump()).peers.keys()].every((key) =>
          peers.some(({ publicKey }) => publicKey === key)
        ),
    },
    "the listen port changed": {
      kind: "listen_port",
      damage: () => wgd.wg("set", name, "listen-port", "40000"),
      repaired: async () => (await wgd.dump()).listenPort === 51820,
    },
    "the link down": {
      kind: "link_down",
      damage: () => wgd.ip("link", "set", name, "down"),
      repaired: async () =>
        (await link()).flags.includes("UP") &&
        (await wgd.ip("route", "show", "dev", name)).includes("10.10.0.0/24"),
    },
    "the firewall table deleted": {
      kind: "firewall",
      damage: () => net.run("server", ["nft", "delete", "table", "inet", tableName(name)]),
      repaired: async () => await table() !== "",
    },
  }, {
    "allowed IPs stolen by another peer": {
      kind: "allowed_ips",
      of: robbed,
      damage: () =>
        wgd.wg(
          ...["set", name, "peer", thief.publicKey, "allowed-ips"],
          `${thief.address}/32,${robbed.address}/32`,
        ),
      repaired: async () => await isRight(robbed) && await isRight(thief),
    },
    "a preshared key taken away": ofPeer("preshared_key", stripped, "preshared-key", "/dev/null"),
    "the private key changed": {
      kind: "private_key",
      damage: () =>
        net.run("server", ["sh", "-c", `wg genkey | wg set ${name} private-key /dev/stdin`]),
      repaired: async () => (await wgd.dump()).publicKey === gatewayKey,
    },
    "the gateway's address removed": {
      kind: "address",
      damage: () => wgd.ip("address", "delete", "10.10.0.1/24", "dev", name),
      repaired: async () => (await addresses()).join() === "10.10.0.1/24,10.10.0.2/32",
    },
    "a mark on its own packets": {
      kind: "fwmark",
      damage: () => wgd.wg("set", name, "fwmark", "0x2a"),
      repaired: async () => (await wgd.dump()).fwmark === null,
    },
    "a firewall rule added": {
      kind: "firewall",
      damage: () =>
        net.run("server", [
          "nft",
          `insert rule inet ${tableName(name)} input tcp dport 4711 accept`,
        ]),
      repaired: async () => !(await table()).includes("4711"),
    },
  }, {
    "the network's route deleted": {
      kind: "route",
      damage: () => wgd.ip("route", "delete", "10.10.0.0/24", "dev", name),
      repaired: async () => await routes() === routesBefore,
    },
    "an address added": {
      kind: "address",
      damage: () => wgd.ip("address", "add", "10.10.0.77/24", "dev", name),
      repaired: async () => (await addresses()).join() === "10.10.0.1/24,10.10.0.2/32",
    },
    "the MTU changed": {
      kind: "mtu",
      damage: () => wgd.ip("link", "set", name, "mtu", "1300"),
      repaired: async () => (await link()).mtu === 1420,
    },
    "the firewall's rules flushed": {
      kind: "firewall",
      damage: () => net.run("server", ["nft", "flush", "table", "inet", tableName(name)]),
      repaired: async () => (await table()).includes("drop"),
    },
  }, {
    "the network's route turned into one to nowhere": {
      kind: "route",
      damage: () => wgd.ip("route", "replace", "blackhole", "10.10.0.0/24"),
      repaired: async () => await routes() === routesBefore,
    },
  }, {
    "the interface renamed": {
      kind: "name",
      async damage() {
        const rename = ["ip", "link", "set", name, "name", `${name}x`];
        // Before Linux 6.2 an interface has to be down for it.
        if ((await net.exec("server", rename)).success) return;
        await wgd.ip("link", "set", name, "down");
        await net.run("server", rename);
      },
      repaired: async () => await link() && await allAreRight(),
    },
  }, {
    "the interface deleted": {
      kind: "interface",
      damage: () => wgd.ip("link", "delete", name),
      repaired: async () => await allAreRight() && (await addresses()).length === 2,
    },
  }];

  for (const round of rounds) {
    const cases = Object.entries(round);
    const before = new Map<string, { total: number; audit: Awaited<ReturnType<typeof audited>> }>();
    for (const [, { kind }] of cases) {
      before.set(kind, { total: await total(kind), audit: await audited(kind) });
    }
    // It must not repair the first while the last is being done.
    Deno.kill(wgd.pid, "SIGSTOP");
    for (const [what, { damage, repaired }] of cases) {
      await damage();
      assert.equal(await repaired().catch(() => false), false, `${what}: the damage was done`);
    }
    Deno.kill(wgd.pid, "SIGCONT");
    const steps = cases.map(([what, { kind, of, repaired }]) =>
      t.step({
        name: what,
        sanitizeOps: false,
        sanitizeResources: false,
        sanitizeExit: false,
        async fn() {
          const { total: counted, audit } = before.get(kind) ?? assert.fail();
          await until("it is repaired", () => repaired(), bound);
          await until("it is counted", async () => await total(kind) > counted);
          await until("it is audited", async () => {
            const after = await audited(kind);
            return of
              ? after.peers.filter((id) => id === of.id).length >
                audit.peers.filter((id) => id === of.id).length
              : after.interface > audit.interface;
          });
          const after = await audited(kind);
          if (of) assert.equal(after.interface, audit.interface);
          else assert.deepEqual(after.peers, audit.peers);
        },
      })
    );
    const passed = await Promise.all(steps);
    assert.deepEqual(passed, passed.map(() => true), cases.map(([what]) => what).join());
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
