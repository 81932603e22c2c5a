import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { absent } from "../../lib/absent.ts";
import type { Sql } from "../../db/connection.ts";
import { createGatewayKey, type GatewayKey, readGatewayKey } from "../../wgd/gateway/key.ts";
import { syncFolder } from "../../lib/durable_file.ts";
import { forgetKey, type KeyState, readKeyState } from "./adopt_key.ts";
import { loadConfig } from "./config.ts";
import { asOwner } from "./owner_session.ts";
import { asksForHelp, createTerminal } from "./terminal.ts";

/** Where the key lies that takes over. */
export const nextKeyFile = (keyFile: string) => `${keyFile}.next`;

/**
 * Puts the next key into the present one's place; the next start publishes it. Cut off before the files were changed,
 * the next start publishes the present key again, and the same call can be repeated.
 *
 * @param publicKey the next key, by name
 * @throws {Error} where that is not the next key, or this host's is not the published one; nothing was changed
 */
export async function cutOver(
  sql: Sql,
  { interfaceId, keyFile, publicKey }: { interfaceId: number; keyFile: string; publicKey: string },
): Promise<void> {
  const next = await readGatewayKey(nextKeyFile(keyFile));
  if (next?.publicKey !== publicKey) {
    throw new Error(
      `the next key is ${next?.publicKey ?? "not there"}, not that one; nothing was changed`,
    );
  }
  const { published, onHost } = await readKeyState(sql, {
    interfaceId,
    key: await readGatewayKey(keyFile),
  });
  if (onHost === null || (published !== null && published !== onHost)) {
    throw new Error("this host has not the published key: see wg:adopt-key; nothing was changed");
  }
  const [taken] = await sql`
    select from wg_peers where public_key = ${publicKey} or successor_public_key = ${publicKey}`;
  if (taken) throw new Error("a peer has that key; nothing was changed");
  if (published !== null) await forgetKey(sql, { interfaceId, published });
  // The snapshot is bound to the key that goes, and would be taken for a damaged one.
  await Deno.remove(join(dirname(keyFile), "snapshot")).catch(absent);
  await Deno.rename(nextKeyFile(keyFile), keyFile);
  await syncFolder(dirname(keyFile));
}

/** What stands where, and what comes next. */
export function describe(
  { published, peers }: KeyState,
  { next, endpoint }: { next: GatewayKey | undefined; endpoint: string | null },
): string {
  const lines = [
    `published  ${published ?? "none"}`,
    `next       ${next?.publicKey ?? "none"}`,
    `peers      ${peers}, each of whose files names the published key`,
    "",
  ];
  if (!next) {
    return [
      ...lines,
      "Nothing was changed. Make the next key, which changes nothing yet, with",
      "",
      "  deno task wg:rotate-key --prepare",
    ].join("\n");
  }
  return [
    ...lines,
    "Nothing was changed. Tell every client, with the moment of the cut-over: from then on the [Peer] of its",
    `file${
      endpoint === null ? "" : ` (Endpoint = ${endpoint})`
    } has this line, and the tunnel is loaded again:`,
    "",
    `  PublicKey = ${next.publicKey}`,
    "",
    "Its own keys and addresses stay. No client has a tunnel between the cut-over and its change; files that",
    "wait for delivery are taken back, because they name the key that goes. At that moment stop MassaCorp and run",
    "",
    `  deno task wg:rotate-key --cut-over ${next.publicKey}`,
    "",
    "and start it again.",
  ].join("\n");
}

/** `deno task wg:rotate-key [--prepare | --cut-over KEY]` */
if (import.meta.main) {
  const terminal = createTerminal();
  if (asksForHelp(Deno.args)) {
    terminal.say("usage: deno task wg:rotate-key [--prepare | --cut-over KEY]");
    Deno.exit(0);
  }
  try {
    const { values } = parseArgs({
      options: { prepare: { type: "boolean" }, "cut-over": { type: "string" } },
    });
    const config = loadConfig();
    const { wgd } = config.given;
    const interfaceId = Number(wgd["WG_INTERFACE_ID"] ?? "1");
    const keyFile = wgd["WG_KEY_FILE"] ?? join(config.dataFolder, "wgd/gateway.key");
    const publicKey = values["cut-over"];
    if (values.prepare && publicKey !== undefined) {
      throw new TypeError("--prepare and --cut-over are two steps");
    }
    await asOwner(config, terminal, async ({ owner }) => {
      if (publicKey !== undefined) {
        await cutOver(owner, { interfaceId, keyFile, publicKey });
        return terminal.say(`the gateway's key is ${publicKey} from the next start on`);
      }
      if (values.prepare) await createGatewayKey(nextKeyFile(keyFile));
      const [row] = await owner<{ endpoint: string }[]>`
        select endpoint from wg_interfaces where id = ${interfaceId}`;
      const state = await readKeyState(owner, { interfaceId, key: await readGatewayKey(keyFile) });
      const next = await readGatewayKey(nextKeyFile(keyFile));
      terminal.say(describe(state, { next, endpoint: row?.endpoint ?? null }));
    });
  } catch (error) {
    terminal.say(`wg:rotate-key: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
