import type { Schema } from "../client/mod.ts";
import { receiptStatement, verifyReceipt } from "../../lib/receipt.ts";
import { type Command, required, table, theOne } from "./command.ts";
import { peerId } from "./names.ts";
import { ask, inTenant } from "./operator.ts";

type Explanation = Schema<"PeerExplanation">;

export const wgExplain: Command = {
  usage: "--tenant acme PEER",
  summary: "Say why a peer (id or name) is or is not on the interface, and verify its receipts",
  options: { tenant: { type: "string" } },
  async run({ api, values, positionals }) {
    const peer = theOne(positionals, "give one peer, by id or name");
    const tenant = required(values, "tenant");
    const id = await peerId(api, { tenant, peer });
    const answer = await ask(api.GET("/api/v1/wireguard/peers/{id}/explain", {
      params: { ...inTenant(tenant), path: { id } },
    }));
    const verdicts = await Promise.all(answer.receipts.map((found) => verify(found, id)));
    return {
      answer,
      text: describe(answer, verdicts.map(({ text }) => text)),
      failed: verdicts.some(({ isGood }) => !isGood),
    };
  },
};

/** Does not believe the API: the text is made anew from the fields, and must be the one that is signed. */
async function verify(
  found: Explanation["receipts"][number],
  peerId: string,
): Promise<{ isGood: boolean; text: string }> {
  const statement = receiptStatement({
    interfaceId: found.interface_id,
    gatewayKey: found.gateway_key,
    tenantId: found.tenant_id,
    peerId,
    what: found.what,
    publicKey: found.public_key,
    readBackAt: new Date(found.read_back_at),
  });
  const signature = Uint8Array.fromBase64(found.signature);
  const isGood = statement === found.statement &&
    await verifyReceipt({ statement, receiptKey: found.receipt_key, signature });
  const by = found.is_current_key
    ? "the gateway's key"
    : `${found.receipt_key}, which is not the gateway's key any more`;
  return {
    isGood,
    text: `${found.read_back_at}  ${found.what} ${found.public_key}  ${
      isGood ? `signed by ${by}` : "THE SIGNATURE IS NOT GOOD"
    }`,
  };
}

function describe(answer: Explanation, receipts: string[]): string {
  const { desired, applied, observed } = answer;
  const now = observed?.find((peer) => peer.public_key === desired?.public_key);
  const seen = (text: string) => observed === null ? "unknown" : now ? text : "-";
  const known = answer.on_interface;
  const sides = [
    ["state", desired ? desired.wanted ? "wanted" : "not wanted" : "no row"]
      .concat(applied?.state ?? "-", observed === null ? "unknown" : now ? "there" : "not there"),
    ["generation", desired?.generation ?? "-", applied?.generation ?? "-", ""],
    ["key", desired?.public_key ?? "-", "", seen(now?.public_key ?? "")],
    [
      "address",
      [desired?.address, desired?.address6].filter(Boolean).join(",") || "-",
      "",
      seen(now?.allowed_ips.join(",") ?? ""),
    ],
    [
      "preshared key",
      desired ? desired.has_preshared_key ? "one" : "none" : "-",
      "",
      seen(now?.differs?.includes("preshared_key") ? "another" : "the same"),
    ],
    ["expires", desired?.expires_at ?? "-", "", ""],
    ["changed", "", applied?.changed_at ?? "-", ""],
    ["endpoint", "", "", seen(now?.endpoint ?? "none yet")],
  ];
  const others = (observed ?? []).filter((peer) => peer !== now);
  return [
    `${answer.name ?? "(its row is gone)"}  ${answer.peer_id}`,
    `on the interface: ${known === null ? "unknown" : known ? "yes" : "no"}`,
    ...answer.reasons.map(({ code, detail }) => `  ${code}: ${detail}`),
    "",
    table(["", "DESIRED", "APPLIED", "OBSERVED"], sides),
    ...others.map((peer) => `also there, an older key: ${peer.public_key}`),
    `last handshake: ${answer.last_handshake_at ?? "never"}`,
    "",
    "what becomes of its packets",
    ...answer.packets.map(({ traffic, verdict, why }) =>
      `  ${verdict.padEnd(7)} ${traffic} (${why})`
    ),
    ...(receipts.length > 0 ? ["", "read back gone", ...receipts.map((line) => `  ${line}`)] : []),
  ].join("\n");
}
