import postgres from "postgres";
import type { Sql } from "../../db/connection.ts";
import type { AddressPlan } from "../../lib/address.ts";
import { createReceiptSigner } from "../../lib/receipt.ts";
import { createGatewayKey, type GatewayKey, GatewayKeyError, readGatewayKey } from "./key.ts";

export interface PublishConfig {
  readonly keyFile: string;
  readonly interface: {
    readonly id: number;
    readonly name: string;
    readonly plan: AddressPlan;
    readonly listenPort: number;
    readonly endpoint: string;
    readonly mtu: number;
    readonly addressRestSeconds: number;
    /** Percent of the pool that a tenant without a quota of its own may hold. */
    readonly tenantShare: number;
  };
}

/** The database refuses what the configuration says of the interface; the message says why. */
export class PublishError extends Error {
  override name = "PublishError";
}

const refusals: Record<string, string> = {
  wg_interfaces_network_only_grows:
    "WG_NETWORK can only grow, and keeps its first address, because peers hold addresses in it",
  wg_interfaces_name_is_taken: "WG_INTERFACE is the name of another interface in the database",
  wg_interfaces_network_is_not_granted:
    "WG_NETWORK or WG_NETWORK6 overlaps what was granted to a tenant; withdraw that grant first",
  wg_interfaces_networks_do_not_overlap:
    "WG_NETWORK overlaps the network of another interface in the database",
  wg_interfaces_network6_stays:
    "WG_NETWORK6 does not move, because clients' files name addresses in it; it can be unset, and then set anew",
  wg_interfaces_networks6_do_not_overlap:
    "WG_NETWORK6 is the network of another interface in the database",
};

/** Whether publishing will add addresses to the pool, which takes its time in a large network. */
export async function fillsPool(sql: Sql, config: PublishConfig): Promise<boolean> {
  const { id, plan } = config.interface;
  const rows = await sql`
    select from wg_interfaces where id = ${id} and network = ${plan.network}`;
  return rows.length === 0;
}

/**
 * Writes this host's interface into `wg_interfaces` as the daemon's role, its public key included, and makes
 * the gateway's key first where neither the host nor the database has one. Writes nothing when nothing changed.
 *
 * @returns the gateway's key pair; only the public half has left the host
 * @throws {GatewayKeyError} when the database knows another key than this host
 * @throws {PublishError} when the database refuses the settings
 */
export async function publishInterface(sql: Sql, config: PublishConfig): Promise<GatewayKey> {
  const { id, name, plan, listenPort, endpoint, mtu, addressRestSeconds, tenantShare } =
    config.interface;
  const network6 = plan.six?.network ?? null;
  const [row] = await sql<{ public_key: string | null; retired: boolean }[]>`
    select public_key, retired_at is not null as retired from wg_interfaces where id = ${id}`;
  if (row?.retired) {
    throw new PublishError(
      `gateway ${id} was retired; give this one another WG_INTERFACE_ID, name and network`,
    );
  }
  const published = row?.public_key ?? null;
  const onHost = await readGatewayKey(config.keyFile);
  if (published !== null && onHost?.publicKey !== published) {
    throw wrongKey(config, { published, missing: !onHost });
  }
  const key = onHost ?? await createGatewayKey(config.keyFile);
  const { publicKey: receiptKey } = await createReceiptSigner(key.privateKey);
  try {
    await sql.begin(async (tx) => {
      await tx`set local statement_timeout = '150s'`;
      // The key stands in the condition, so that of two hosts that publish at once only one wins.
      await tx`
        insert into wg_interfaces as i
            (id, name, network, network6, listen_port, endpoint, mtu, public_key, receipt_key,
              address_rest, tenant_share)
          values (${id}, ${name}, ${plan.network}, ${network6}, ${listenPort}, ${endpoint}, ${mtu},
            ${key.publicKey}, ${receiptKey}, make_interval(secs => ${addressRestSeconds}), ${tenantShare})
        on conflict (id) do update set name = excluded.name, network = excluded.network,
            network6 = excluded.network6, listen_port = excluded.listen_port,
            endpoint = excluded.endpoint, mtu = excluded.mtu, public_key = excluded.public_key,
            receipt_key = excluded.receipt_key, address_rest = excluded.address_rest,
            tenant_share = excluded.tenant_share
          where (i.public_key is null or i.public_key = excluded.public_key)
            and (i.name, i.network, i.network6, i.listen_port, i.endpoint, i.mtu, i.public_key,
                i.receipt_key, i.address_rest, i.tenant_share)
              is distinct from
                (excluded.name, excluded.network, excluded.network6, excluded.listen_port,
                 excluded.endpoint, excluded.mtu, excluded.public_key, excluded.receipt_key,
                 excluded.address_rest, excluded.tenant_share)`;
    });
  } catch (error) {
    if (error instanceof postgres.PostgresError && error.code.startsWith("23")) {
      const rule = error.constraint_name ?? "a constraint";
      throw new PublishError(refusals[rule] ?? `the database refuses the interface: ${rule}`);
    }
    throw error;
  }
  const [now] = await sql<{ public_key: string | null }[]>`
    select public_key from wg_interfaces where id = ${id}`;
  if (now?.public_key !== key.publicKey) {
    throw wrongKey(config, { published: now?.public_key ?? "", missing: false });
  }
  return key;
}

function wrongKey(
  { keyFile, interface: { id } }: PublishConfig,
  { published, missing }: { published: string; missing: boolean },
): GatewayKeyError {
  const what = missing
    ? `this host has no gateway key (${keyFile})`
    : `the gateway key of this host (${keyFile}) is another one`;
  return new GatewayKeyError(
    `interface ${id} is published with the public key ${published}, but ${what}. ` +
      `Restore that file from a backup, or run the daemon on the host that has it. ` +
      `If the key is lost for good, deno task wg:adopt-key says what follows from that, and how to go on`,
  );
}
