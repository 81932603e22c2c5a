import type { Schema } from "../client/mod.ts";
import { type Command, gatewayOption, required, table, theOne } from "./command.ts";
import { CliError } from "./error.ts";
import { ask, inTenant } from "./operator.ts";
import { parseWgConfig, type WgConfig, WgConfigError, type WgConfigPeer } from "./wg_config.ts";

type Imported = Schema<"WireGuardImport">;

const reasons: Record<string, string> = {
  no_address: "has no IPv4 address of its own",
  several_allowed_ips: "stands for more than one address, and a peer here has one",
  outside_network: "its address is outside of WG_NETWORK",
  reserved_address: "its address is reserved here",
  address_taken: "its address is taken, or still rests",
  duplicate_address: "an earlier peer of the file has its address",
  duplicate_key: "an earlier peer of the file has its key",
  public_key_taken: "another tenant's peer has its key",
  gateway_key: "it has the gateway's own key",
  pool_exhausted: "no address is free",
};

/** Peers in one call of the API, which is one transaction. */
const most = 1000;
const largestFile = 4 * 1024 * 1024;

export const wgImport: Command = {
  usage: "--tenant acme FILE [--gateway 2] [--renumber] [--apply]",
  summary:
    "Take over the peers of a wg0.conf; without --apply, only say what would be done with each",
  options: {
    tenant: { type: "string" },
    gateway: { type: "string" },
    renumber: { type: "boolean" },
    apply: { type: "boolean" },
  },
  async run({ api, values, positionals }) {
    const path = theOne(positionals, "give one file");
    const tenant = required(values, "tenant");
    const config = await readConfig(path);
    const answer = await ask(api.POST("/api/v1/wireguard/import", {
      params: { ...inTenant(tenant), query: gatewayOption(values) },
      body: {
        peers: config.peers.map((peer) => ({
          name: nameOf(peer),
          public_key: peer.publicKey,
          preshared_key: peer.presharedKey?.reveal() ?? null,
          allowed_ips: [...peer.allowedIps],
        })),
        renumber: values["renumber"] === true,
        apply: values["apply"] === true,
      },
    }));
    return {
      answer,
      text: describe(config, answer),
      failed: answer.applied && answer.items.some(({ verdict }) => verdict === "refused"),
    };
  },
};

async function readConfig(path: string): Promise<WgConfig> {
  let text: string;
  try {
    if ((await Deno.stat(path)).size > largestFile) throw new CliError(`${path} is too large`);
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof CliError || !(error instanceof Error)) throw error;
    throw new CliError(`cannot read ${path} (${error.name})`);
  }
  try {
    const config = parseWgConfig(text);
    if (config.peers.length === 0) throw new CliError(`${path} has no [Peer]`);
    if (config.peers.length > most) {
      throw new CliError(`${path} has ${config.peers.length} peers; split it: ${most} at a time`);
    }
    return config;
  } catch (error) {
    if (!(error instanceof WgConfigError)) throw error;
    throw new CliError(`${path}: ${error.message}`);
  }
}

/** What stands in the file, or something to be recognised by. */
function nameOf({ name, allowedIps, publicKey }: WgConfigPeer): string {
  return name ?? `imported ${allowedIps[0]?.split("/")[0] ?? publicKey.slice(0, 8)}`;
}

function describe(config: WgConfig, { applied, items }: Imported): string {
  const rows = items.map((item, at) => [
    String(config.peers[at]?.line ?? ""),
    item.name,
    config.peers[at]?.allowedIps.join(",") || "-",
    item.address ?? "-",
    item.verdict + (item.status ? `, ${item.status}` : ""),
    [
      ...(item.reason ? [reasons[item.reason] ?? item.reason] : []),
      ...(item.dropped_ips.length > 0 ? [`without ${item.dropped_ips.join(", ")}`] : []),
    ].join("; "),
  ]);
  const count = (verdict: string) => items.filter((item) => item.verdict === verdict).length;
  const sums = ["taken", "renumbered", "present", "refused"].map((verdict) =>
    `${verdict} ${count(verdict)}`
  );
  const isElsewhere = items.some(({ reason }) => reason === "outside_network");
  return [
    table(["LINE", "NAME", "IN THE FILE", "ADDRESS", "VERDICT", ""], rows),
    "",
    `${applied ? "done" : "nothing was changed"}: ${sums.join(", ")}`,
    ...(isElsewhere && config.addresses.length > 0
      ? [`the file's server is ${config.addresses.join(", ")}: WG_NETWORK decides what fits`]
      : []),
    ...(count("renumbered") > 0
      ? ["a renumbered client connects only with its new address in its file"]
      : []),
    ...(config.ignored.length > 0 ? [`not taken over: ${config.ignored.join(", ")}`] : []),
    ...(applied ? [] : ["say --apply to do it"]),
  ].join("\n");
}
