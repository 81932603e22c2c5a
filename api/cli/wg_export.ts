import type { Schema } from "../client/mod.ts";
import { type Command, gatewayOption, optional } from "./command.ts";
import { ask, everyItem, inTenant } from "./operator.ts";
import { newFile } from "./out_file.ts";

type Exported = Schema<"WireGuardExport">;

export const wgExport: Command = {
  usage: "[--tenant acme] [--gateway 2] [--secrets] [--out wg0.conf]",
  summary:
    "Write the server's side of a wg0.conf, of all tenants or one; preshared keys with --secrets, audited",
  options: {
    tenant: { type: "string" },
    gateway: { type: "string" },
    secrets: { type: "boolean" },
    out: { type: "string" },
  },
  async run({ api, values }) {
    const out = optional(values, "out");
    await using file = out === undefined ? undefined : await newFile(out);
    const one = optional(values, "tenant");
    const tenants = one === undefined
      ? (await everyItem((query) => api.GET("/api/v1/tenants", { params: { query } })))
        .map(({ slug }) => slug)
      : [one];
    const answers: { tenant: string; exported: Exported }[] = [];
    for (const tenant of tenants) {
      answers.push({
        tenant,
        exported: await ask(api.POST("/api/v1/wireguard/export", {
          params: { ...inTenant(tenant), query: gatewayOption(values) },
          body: { secrets: values["secrets"] === true },
        })),
      });
    }
    const config = renderServerConfig(answers);
    await file?.write(config);
    const peers = answers.reduce((sum, answer) => sum + answer.exported.peers.length, 0);
    return {
      answer: answers,
      text: out === undefined ? config : `${out}: ${peers} peers of ${tenants.length} tenants`,
    };
  },
};

/** The file as wg-quick(8) reads it on another server, and as wg:import reads it back. */
function renderServerConfig(
  answers: readonly { tenant: string; exported: Exported }[],
): string {
  const [first] = answers;
  if (!first) return "";
  const { addresses, listen_port, mtu } = first.exported.interface;
  const head = [
    "[Interface]",
    "# The private key is on the gateway's host, in its WG_KEY_FILE: put it here",
    `Address = ${addresses.join(", ")}`,
    `ListenPort = ${listen_port}`,
    `MTU = ${mtu}`,
  ];
  const peers = answers.flatMap(({ tenant, exported }) =>
    exported.peers.flatMap((peer) => {
      const name = oneLine(peer.name);
      if (!peer.wanted) return ["", `# Left out, disabled or expired (${tenant}): ${name}`];
      const isMissing = peer.has_preshared_key && peer.preshared_key === null;
      return [
        "",
        `# Tenant: ${tenant}`,
        `# Client: ${name}`,
        "[Peer]",
        `PublicKey = ${peer.public_key}`,
        ...(peer.preshared_key === null ? [] : [`PresharedKey = ${peer.preshared_key}`]),
        ...(isMissing ? ["# It has a PresharedKey, which is not in this file"] : []),
        `AllowedIPs = ${peer.allowed_ips.join(", ")}`,
      ];
    })
  );
  return [...head, ...peers].join("\n") + "\n";
}

/** Names have no control characters; but nothing may end the comment, whoever checks that. */
function oneLine(name: string): string {
  return name.replace(/[\p{Cc}\u2028\u2029]/gu, "?");
}
