import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Sql } from "../../db/connection.ts";
import { type GatewayKey, readGatewayKey } from "../../wgd/gateway/key.ts";
import { loadConfig } from "./config.ts";
import { asOwner } from "./owner_session.ts";
import { asksForHelp, createTerminal } from "./terminal.ts";

/** The key that clients' files name, and the one that this host has. */
export interface KeyState {
  /** Null where none is published: nothing stands in the way of a start. */
  readonly published: string | null;
  /** Null where the host has none. */
  readonly onHost: string | null;
  readonly peers: number;
}

/** What the database says of an interface's key, beside the one of this host. */
export async function readKeyState(
  sql: Sql,
  { interfaceId, key }: { interfaceId: number; key: GatewayKey | undefined },
): Promise<KeyState> {
  const [row] = await sql<{ public_key: string | null; peers: number }[]>`
    select i.public_key, (select count(*)::integer from wg_peers p
        where p.interface_id = i.id and p.deleted_at is null) as peers
      from wg_interfaces i where i.id = ${interfaceId}`;
  return {
    published: row?.public_key ?? null,
    onHost: key?.publicKey ?? null,
    peers: row?.peers ?? 0,
  };
}

/**
 * Forgets the published key, so that the next start publishes that of its host, or makes one; and client files
 * that wait for their delivery, because they name the old key. Audited in the platform's tenant, if there is one.
 *
 * @param published the very key to be forgotten
 * @returns false where another one is published, and nothing was changed
 */
export async function forgetKey(
  sql: Sql,
  { interfaceId, published }: { interfaceId: number; published: string },
): Promise<boolean> {
  return await sql.begin(async (tx) => {
    const { count } = await tx`
      update wg_interfaces set public_key = null, receipt_key = null
        where id = ${interfaceId} and public_key = ${published}`;
    if (count === 0) return false;
    await tx`
      delete from wg_deliveries d using wg_peers p
        where p.tenant_id = d.tenant_id and p.id = d.peer_id and p.interface_id = ${interfaceId}`;
    await tx`
      insert into audit_log (tenant_id, actor, action, outcome, target_type, target_id, details)
        select id, 'operator', 'wireguard.gateway_key_forgotten', 'succeeded', 'wg_interface',
          ${String(interfaceId)}, jsonb_build_object('public_key', ${published}::text)
        from tenants where is_platform`;
    return true;
  });
}

/** What stands where, and what can be done about it. */
export function describeKeys({ published, onHost, peers }: KeyState, keyFile: string): string {
  const lines = [
    `published  ${published ?? "none"}`,
    `this host  ${onHost ?? "none"}  (${keyFile})`,
    `peers      ${peers}`,
    "",
  ];
  if (published === null || published === onHost) {
    return [...lines, "nothing is wrong: nothing has to be forgotten"].join("\n");
  }
  const next = onHost === null
    ? "The next start makes a new key."
    : "The next start publishes the key of this host.";
  return [
    ...lines,
    "Restore the file of the published key from a backup, if there is one: then nothing else is to be done.",
    "If it is lost for good, forget it with",
    "",
    `  deno task wg:adopt-key --forget ${published}`,
    "",
    next,
    "Every client's file names the published key in PublicKey of its [Peer], and no tunnel comes up until",
    "the new key stands there. The clients' own keys and addresses stay as they are.",
  ].join("\n");
}

/** `deno task wg:adopt-key [--forget KEY]`: the way out when the gateway's private key is lost. */
if (import.meta.main) {
  const terminal = createTerminal();
  if (asksForHelp(Deno.args)) {
    terminal.say("usage: deno task wg:adopt-key [--forget KEY]");
    Deno.exit(0);
  }
  try {
    const { values } = parseArgs({ options: { forget: { type: "string" } } });
    const config = loadConfig();
    const { wgd } = config.given;
    const interfaceId = Number(wgd["WG_INTERFACE_ID"] ?? "1");
    const keyFile = wgd["WG_KEY_FILE"] ?? join(config.dataFolder, "wgd/gateway.key");
    const key = await readGatewayKey(keyFile);
    await asOwner(config, terminal, async ({ owner }) => {
      const state = await readKeyState(owner, { interfaceId, key });
      const { forget } = values;
      if (forget === undefined) return terminal.say(describeKeys(state, keyFile));
      if (forget === state.onHost) {
        throw new Error("this host has that very key; nothing is lost, and nothing was changed");
      }
      if (!await forgetKey(owner, { interfaceId, published: forget })) {
        throw new Error(
          `the published key is ${state.published ?? "none"}, not that one; nothing was changed`,
        );
      }
      terminal.say(
        "the published key is forgotten; the next start publishes the new one, and wg:status shows it",
      );
    });
  } catch (error) {
    terminal.say(`wg:adopt-key: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
