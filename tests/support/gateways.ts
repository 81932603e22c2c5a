import { connect } from "../../db/connection.ts";
import { createLogger } from "../../lib/log.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { keepPresence } from "../../wgd/gateway/presence.ts";
import type { TestApi } from "./api.ts";
import type { TestDatabase } from "./database.ts";
import { until } from "./until.ts";

/** A gateway as its daemon makes it known, without the tunnel. */
export interface LivingGateway extends AsyncDisposable {
  readonly publicKey: string;
  /**
   * Milliseconds since the Unix epoch, or null; told with the next beat. Until a test says otherwise it is read back all
   * the time: one that was read back a minute ago hangs, and a slow test takes longer.
   */
  readBackAt: number | null;
  /** As SIGKILL does it: the session goes, and nothing else is said. */
  die(): Promise<void>;
}

/** Publishes a gateway, where the database does not have it, and says that its daemon lives. */
export async function livingGateway(
  db: TestDatabase,
  { id, network = `10.${9 + id}.0.0/24` }: { id: number; network?: string },
): Promise<LivingGateway> {
  const { publicKey } = await generateKeyPair();
  const url = db.url("massacorp_wgd");
  const sql = connect(url, { max: 1, applicationName: "test-wgd" });
  const publishing = sql`
    insert into wg_interfaces as i (id, name, network, listen_port, endpoint, mtu, public_key)
      values (${id}, ${`wg${
    id - 1
  }`}, ${network}, 51820, ${`vpn${id}.example.com:51820`}, 1420, ${publicKey})
    on conflict (id) do update set public_key = excluded.public_key where i.public_key is null`;
  await publishing.finally(() => sql.end());
  let said: number | null | undefined;
  let last = Date.now();
  const presence = keepPresence({
    open: () => connect(url, { max: 1, applicationName: `test-wgd-lives-${id}` }),
    interfaceId: id,
    readBackAt: () => said === undefined ? last = Date.now() : said,
    log: createLogger({ level: "error", write: () => {} }),
    everyMs: 20,
    // One beat that takes long ends no session here: for a moment it would be away.
    patienceMs: 60_000,
  });
  const made: LivingGateway = {
    publicKey,
    get readBackAt() {
      return said === undefined ? last : said;
    },
    set readBackAt(at) {
      said = at;
    },
    async die() {
      await presence.close();
      await until(
        "its session has ended",
        async () => !(await seen(db)).has(id),
      );
    },
    async [Symbol.asyncDispose]() {
      await presence.close();
    },
  };
  await until("it is seen", async () => ((await seen(db)).get(id) ?? null) !== null);
  return made;
}

/** By interface: when it was read back, as the database sees it. */
export async function seen(db: TestDatabase): Promise<Map<number, Date | null>> {
  const rows = await db.owner<{ interface_id: number; read_back_at: Date | null }[]>`
    select * from wg_gateways_seen()`;
  return new Map(rows.map((row) => [row.interface_id, row.read_back_at]));
}

/** What the daemon of a gateway does once it has read its interface back without the keys that left. */
export const readBackGone = (api: TestApi, gateway: number) =>
  api.db.owner`delete from wg_retired_keys where interface_id = ${gateway}`;

/** The addresses that are held of each gateway, by peers and by keys that have yet to be read back gone. */
export async function heldAddresses(api: TestApi): Promise<string[]> {
  const rows = await api.db.owner<{ gateway: number; held: string[] }[]>`
    select interface_id as gateway, array_agg(host(address) order by address) as held from wg_ip_pool
    where free_from is null or free_from = 'infinity' group by 1 order by 1`;
  return rows.map(({ gateway, held }) => `${gateway}: ${held.join()}`);
}
