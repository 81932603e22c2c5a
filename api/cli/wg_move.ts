import { type Command, gatewayNumber, optional, required } from "./command.ts";
import { CliError } from "./error.ts";
import { peerId } from "./names.ts";
import { ask, inTenant } from "./operator.ts";
import { newFile } from "./out_file.ts";

export const wgMove: Command = {
  usage: "--tenant acme PEER GATEWAY [--out ada.conf]",
  summary:
    "Move a peer (id or name) to another gateway; its new file goes to --out (mode 0600) or to the terminal, this once",
  options: { tenant: { type: "string" }, out: { type: "string" } },
  async run({ api, values, positionals }) {
    const [peer, gateway, ...more] = positionals;
    if (!peer || !gateway || more.length > 0) {
      throw new CliError("give one peer, by id or name, and the number of a gateway", 2);
    }
    const gateway_id = gatewayNumber(gateway);
    const tenant = required(values, "tenant");
    const id = await peerId(api, { tenant, peer });
    const out = optional(values, "out");
    // Opened first: with the move the old file is worth nothing.
    await using file = out === undefined ? undefined : await newFile(out);
    const answer = await ask(api.POST("/api/v1/wireguard/peers/{id}/move", {
      params: { ...inTenant(tenant), path: { id } },
      body: { gateway_id, preshared_key: true, delivery: "inline" },
    }));
    if (answer.config === null) throw new CliError("the API gave no file for the peer");
    await file?.write(answer.config);
    const { address, status, moved_from } = answer.peer;
    const lines = [
      `peer ${id} is on gateway ${gateway_id} at ${address}: ${status}`,
      moved_from
        ? `gateway ${moved_from.gateway_id} was not read back without its old key yet`
        : "its old key is gone from the gateway that it left",
      out === undefined ? `\n${answer.config}` : `its file: ${out}`,
    ];
    return { answer, text: lines.join("\n") };
  },
};
