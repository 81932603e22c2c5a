import { type Namespaces, namespaces } from "./netns.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { isAnswered, isEchoed, lan, moveBehindServer, patience } from "./tunnel_lab.ts";
import { until } from "./until.ts";
import { addressPlan } from "../../lib/address.ts";
import { TestDaemon, type TestPeer } from "./wgd.ts";

export interface PolicyEntries {
  peerToPeer?: boolean;
  services?: { peer: TestPeer; ports: [number, number] }[];
  routes?: { grant: string; network?: string; ports?: [number, number] }[];
}

const hosts = ["a1", "a2", "b1", "b2"] as const;
export type Host = typeof hosts[number];

/** Two tenants with two connected peers each, one host behind the gateway, and an outsider on the underlay. */
export interface PolicyLab extends AsyncDisposable {
  db: TestDatabase;
  net: Namespaces;
  wgd: TestDaemon;
  tenants: { a: number; b: number };
  peers: Record<Host, TestPeer>;
  /** Their IPv6 addresses, where the lab has it. */
  six: Record<Host, string>;
  /** The client's interface, by host. */
  tunnels: Record<Host, string>;
  grant(
    tenantId: number,
    grant?: { network?: string; protocol?: string; ports?: [number, number] },
  ): Promise<string>;
  /** Replaces a tenant's policy; answers what the daemon said of it. */
  open(tenantId: number, entries: PolicyEntries): Promise<{ state: string; error: string | null }>;
  /** Waits until the daemon has judged the newest version. */
  judged(tenantId: number): Promise<{ state: string; error: string | null }>;
  /** True when an HTTP request gets its answer within so many seconds; within two where none must come. */
  reaches(from: string, address: string, port: number, seconds?: number): Promise<boolean>;
  /** @param must an answer has to come, and is waited for */
  pings(from: string, address: string, must?: boolean): Promise<boolean>;
  /** The elements of a set or map of the daemon's table. */
  elements(set: string): Promise<string[]>;
}

const network6 = "fd6d:617a:7a61:5::/64";

/** @param options.six IPv6 beside IPv4, in the tunnel and behind the gateway */
export async function policyLab(
  { six = false, ...options }: { programs?: string; six?: boolean } = {},
): Promise<PolicyLab> {
  await using undo = new AsyncDisposableStack();
  const db = undo.use(await testDatabase());
  const net: Namespaces = undo.use(
    await namespaces<string>("server", ...hosts, "destination", "outsider"),
  );
  const env: Record<string, string> = six ? { WG_NETWORK6: network6 } : {};
  const wgd = undo.use(await TestDaemon.create(db, net, { ...options, env }));
  await moveBehindServer(net, "destination");
  await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  if (six) await net.run("server", ["sysctl", "-qw", "net.ipv6.conf.all.forwarding=1"]);
  await wgd.start();
  const a = await wgd.tenant();
  const [row] = await db.owner<{ id: number }[]>`
    insert into tenants (slug, name) values ('other', 'Other') returning id`;
  const b = row?.id ?? 0;
  const [a1, a2] = await wgd.addPeers(2);
  const [b1, b2] = await wgd.addPeers(2, { tenantId: b });
  if (!a1 || !a2 || !b1 || !b2) throw new Error("not enough peers");
  const peers = { a1, a2, b1, b2 };
  const plan = addressPlan("10.10.0.0/24", network6);
  const addressOf = ({ address }: TestPeer) => plan.address6(address) ?? "";
  const addresses6 = {
    a1: addressOf(a1),
    a2: addressOf(a2),
    b1: addressOf(b1),
    b2: addressOf(b2),
  };
  const tunnels = { a1: "", a2: "", b1: "", b2: "" };
  const gateway = (await wgd.dump()).publicKey ?? "";
  for (const host of hosts) {
    await wgd.untilState(peers[host], "applied");
    const tunnel = tunnels[host] = await wgd.connect(host, peers[host]);
    const beyond = [lan.network, ...(six ? [network6, lan.network6] : [])];
    const allowed = ["allowed-ips", ["10.10.0.0/24", ...beyond].join(",")];
    await net.run(host, ["wg", "set", tunnel, "peer", gateway, ...allowed]);
    if (six) {
      const own = `${addresses6[host]}/128`;
      await net.run(host, ["ip", "address", "add", own, "dev", tunnel, "nodad"]);
    }
    for (const network of beyond) {
      await net.run(host, ["ip", "route", "add", network, "dev", tunnel]);
    }
  }
  const pings: PolicyLab["pings"] = (from, address, must = false) =>
    isEchoed(net, from, { address, must });
  for (const host of hosts) {
    await until(`the tunnel of ${host} carries packets`, () => pings(host, "10.10.0.1"));
  }
  const judged: PolicyLab["judged"] = (tenantId) =>
    until(`the policy of ${tenantId} is judged`, async () => {
      const [row] = await db.owner<{ state: string; error: string | null }[]>`
        select s.state, s.error from wg_policy_outcomes s join wg_policies p using (tenant_id, version)
        where tenant_id = ${tenantId} and interface_id = 1`;
      return row && { ...row };
    });
  const owned = undo.move();
  return {
    db,
    net,
    wgd,
    tenants: { a, b },
    peers,
    six: addresses6,
    tunnels,
    async grant(tenantId, { network = lan.network, protocol = "tcp", ports } = {}) {
      const id = crypto.randomUUID();
      await db.owner`
        insert into wg_grants (tenant_id, id, name, network, protocol, port_from, port_to) values
          (${tenantId}, ${id}, ${id}, ${network}, ${protocol}, ${ports?.[0] ?? null}, ${
        ports?.[1] ?? null
      })`;
      return id;
    },
    async open(tenantId, { peerToPeer = false, services = [], routes = [] }) {
      await db.owner.begin(async (sql) => {
        await sql`
          insert into wg_policies (tenant_id, peer_to_peer) values (${tenantId}, ${peerToPeer})
          on conflict (tenant_id) do update set peer_to_peer = excluded.peer_to_peer`;
        await sql`delete from wg_policy_services where tenant_id = ${tenantId}`;
        await sql`delete from wg_policy_routes where tenant_id = ${tenantId}`;
        for (const [at, { peer, ports }] of services.entries()) {
          await sql`
            insert into wg_policy_services (tenant_id, position, name, peer_id, protocol, port_from, port_to)
            values (${tenantId}, ${at + 1}, 'service', ${peer.id}, 'tcp', ${ports[0]}, ${
            ports[1]
          })`;
        }
        for (const [at, { grant, network, ports }] of routes.entries()) {
          await sql`
            insert into wg_policy_routes (tenant_id, position, grant_id, network, protocol, port_from, port_to)
            select tenant_id, ${at + 1}, id, coalesce(${network ?? null}::cidr, network), protocol,
              coalesce(${ports?.[0] ?? null}::integer, port_from),
              coalesce(${ports?.[1] ?? null}::integer, port_to)
            from wg_grants where tenant_id = ${tenantId} and id = ${grant}`;
        }
      });
      return await judged(tenantId);
    },
    judged,
    reaches: (from, address, port, seconds = patience.silence) =>
      isAnswered(net, from, { address, port, seconds }),
    pings,
    async elements(set) {
      const table = `massacorp_${wgd.name}`;
      const text = await net.run("server", ["nft", "list", "set", "inet", table, set])
        .catch(() => net.run("server", ["nft", "list", "map", "inet", table, set]));
      const found = /elements = \{([^}]*)\}/.exec(text)?.[1] ?? "";
      return found.split(",").map((element) => element.trim()).filter(Boolean);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * A TCP connection that stays open and says what comes back. While nothing does, it sends points as well: where only the
 * answer was lost, TCP has nothing to repeat.
 */
export const echoClient = (address: string, port: number) => `
  const connection = await Deno.connect({ hostname: "${address}", port: ${port} });
  const buffer = new Uint8Array(64);
  const decoder = new TextDecoder();
  const send = (text) => connection.write(new TextEncoder().encode(text));
  console.log("open");
  for (let n = 0;; n++) {
    await send(String(n));
    const again = setInterval(() => send(".").catch(() => {}), 500);
    let heard = "";
    while (heard === "") {
      const size = await connection.read(buffer);
      if (size === null) Deno.exit();
      heard = decoder.decode(buffer.subarray(0, size)).replaceAll(".", "");
    }
    clearInterval(again);
    console.log(heard);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }`;

export const echoServer = (port: number) => `
  const listener = Deno.listen({ hostname: "::", port: ${port} });
  console.log("ready");
  for await (const connection of listener) connection.readable.pipeTo(connection.writable).catch(() => {});`;
