import { connect } from "../../db/connection.ts";
import { encodeKey } from "../../lib/wireguard_key.ts";
import { type ObservedInterface, parseDump } from "../../wgd/observed.ts";
import { Ledger } from "../../wgd/traffic/ledger.ts";
import { claimTraffic, writeTraffic } from "../../wgd/traffic/store.ts";
import { desiredPeer } from "../support/daemon_views.ts";
import { testDatabase } from "../support/database.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";
import { compare, median, type Result } from "./measure.ts";

const count = 10_000;
const rounds = 7;
const atOnce = 1000;

/**
 * What it costs that 10,000 peers speak all the time: booking a dump of which every line has changed, against
 * reading it, and writing all accounts down, against the least that changes as many rows.
 */
export async function peerTraffic(): Promise<Result[]> {
  await using db = await testDatabase();
  await seedInterface(db.owner, "10.20.0.0/16");
  const { id: tenantId } = await seedTenant(db.owner, "bench");
  await db.owner`update tenants set peer_quota = 100000 where id = ${tenantId}`;
  const keys = Array.from({ length: count }, () => {
    const bytes = crypto.getRandomValues(new Uint8Array(32));
    return { id: crypto.randomUUID(), publicKey: encodeKey(bytes) };
  });
  await db.owner`
    insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
      select ${tenantId}, k.id, 1, 'bench', k."publicKey", '10.20.1.0'::inet + k.nth::int
      from rows from (jsonb_to_recordset(${
    db.owner.json(keys)
  }::jsonb) as (id uuid, "publicKey" text))
        with ordinality as k (id, "publicKey", nth)`;
  const sql = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "bench" });
  try {
    const peers = keys.map((key) => desiredPeer({ ...key, tenantId, address: "", allowedIps: [] }));
    const ledger = new Ledger(0);
    ledger.load([], 0);
    const times = {
      read: [] as number[],
      book: [] as number[],
      write: [] as number[],
      bare: [] as number[],
    };
    let observed: ObservedInterface | undefined;
    // The first round makes the rows, and is thrown away.
    for (let round = 0; round <= rounds; round++) {
      const text = dump(keys, round);
      const took = (name: keyof typeof times, ms: number) => round > 0 && times[name].push(ms);
      took("read", await timed(() => observed = parseDump(text, observed)));
      const { peers: seen } = observed ?? { peers: new Map() };
      took(
        "book",
        await timed(() =>
          ledger.look({ peers, observed: seen, created: false, all: true, now: Date.now() })
        ),
      );
      took(
        "write",
        await timed(async () => {
          const due = ledger.due({ monotonic: round, now: Date.now() });
          if (due.length !== count) throw new Error(`${due.length} peers are due`);
          for (let at = 0; at < count; at += atOnce) {
            const chunk = due.slice(at, at + atOnce);
            ledger.adopt(await claimTraffic(sql, 1, chunk.filter(({ hasRow }) => !hasRow)));
            const entries = ledger.again(chunk);
            ledger.wrote(entries, await writeTraffic(sql, 1, entries), round);
          }
        }),
      );
      took("bare", await timed(() => sql`update wg_peer_traffic set seen_at = now()`));
    }
    return [
      compare({
        name: "10,000 peers that all spoke: booking against reading the dump",
        unit: "ms",
        value: median(times.book),
        reference: median(times.read),
        bar: { most: 1 },
      }),
      compare({
        name: "10,000 peers that all spoke: writing against one bare update of as many rows",
        unit: "ms",
        value: median(times.write),
        reference: median(times.bare),
      }),
    ];
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** As `wg show IF dump` prints it. */
function dump(keys: readonly { publicKey: string }[], round: number): string {
  const now = Math.floor(Date.now() / 1000);
  const [own = "", ...lines] = ["(none)\t(none)\t51820\toff"].concat(
    keys.map(({ publicKey }, index) =>
      [
        ...[publicKey, "(none)", `192.0.2.${index % 250}:${1024 + (index % 60_000)}`],
        ...[`10.20.${index >> 8}.${index & 255}/32`, now - (index % 120), 1000 * (round + 1)],
        ...[2000 * (round + 1), "off"],
      ].join("\t")
    ),
  );
  return [own, ...lines, ""].join("\n");
}

async function timed(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}
