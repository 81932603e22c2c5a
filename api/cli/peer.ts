import encodeQR from "qr";
import { type Command, gatewayOption, optional, required, table, theOne } from "./command.ts";
import { CliError } from "./error.ts";
import { peerId, userId } from "./names.ts";
import { ask, everyItem, given, inTenant } from "./operator.ts";
import { newFile } from "./out_file.ts";

export const peerAdd: Command = {
  usage:
    "--tenant acme --name ada-phone [--user 7|ada@acme.example] [--gateway 2] [--expires-at 2026-12-31T00:00:00Z] [--out ada.conf] [--qr]",
  summary: "Create a peer; its file goes to --out (mode 0600) or to the terminal, this once",
  options: {
    tenant: { type: "string" },
    name: { type: "string" },
    user: { type: "string" },
    gateway: { type: "string" },
    "expires-at": { type: "string" },
    out: { type: "string" },
    qr: { type: "boolean" },
  },
  async run({ api, values }) {
    const out = optional(values, "out");
    const user = optional(values, "user");
    const tenant = required(values, "tenant");
    const user_id = user === undefined ? undefined : await userId(api, { tenant, user });
    // Opened first: a peer whose file could not be written would be lost.
    await using file = out === undefined ? undefined : await newFile(out);
    const answer = await ask(api.POST("/api/v1/wireguard/peers", {
      params: inTenant(tenant),
      body: {
        name: required(values, "name"),
        ...gatewayOption(values),
        ...given({ user_id, expires_at: optional(values, "expires-at") }),
      },
    }));
    if (answer.config === null) throw new CliError("the API gave no file for the peer");
    await file?.write(answer.config);
    const { id, address, status } = answer.peer;
    const lines = [
      `peer ${id} at ${address}: ${status}`,
      out === undefined ? `\n${answer.config}` : `its file: ${out}`,
    ];
    if (values.qr) lines.push(encodeQR(answer.config, "ascii", { ecc: "low", border: 2 }));
    return { answer, text: lines.join("\n") };
  },
};

export const peerList: Command = {
  usage: "--tenant acme",
  summary: "List a tenant's peers, and who is online",
  options: { tenant: { type: "string" } },
  async run({ api, values }) {
    const tenant = inTenant(required(values, "tenant"));
    const items = await everyItem((query) =>
      api.GET("/api/v1/wireguard/peers", { params: { ...tenant, query } })
    );
    const rows = items.map((item) => [
      item.id,
      item.name,
      item.user_id === null ? "-" : String(item.user_id),
      String(item.gateway_id),
      item.address,
      item.status + (item.status_reason ? ` (${item.status_reason})` : ""),
      item.online ? "yes" : "no",
      item.last_handshake_at ?? "never",
    ]);
    const headings = ["ID", "NAME", "USER", "GATEWAY", "ADDRESS", "STATUS", "ONLINE"];
    return {
      answer: items,
      text: table([...headings, "LAST HANDSHAKE"], rows),
    };
  },
};

export const peerRevoke: Command = {
  usage: "--tenant acme PEER",
  summary: "Remove a peer (id or name); says whether the interface was seen without it",
  options: { tenant: { type: "string" } },
  async run({ api, values, positionals }) {
    const peer = theOne(positionals, "give one peer, by id or name");
    const tenant = required(values, "tenant");
    const id = await peerId(api, { tenant, peer });
    const answer = await ask(
      api.DELETE("/api/v1/wireguard/peers/{id}", { params: { ...inTenant(tenant), path: { id } } }),
    );
    return {
      answer,
      text: answer.removed
        ? `${peer} is gone from the interface`
        : `${peer} is being revoked: the daemon has not confirmed yet that it is gone`,
    };
  },
};
