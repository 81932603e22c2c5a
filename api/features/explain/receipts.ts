import { z } from "@hono/zod-openapi";
import { receiptStatement } from "../../../lib/receipt.ts";
import { timestamp } from "../../openapi.ts";
import type { ReceiptRow } from "./store.ts";

export const receiptSchema = z.object({
  id: z.string().openapi({ description: "Grows with time, inside the tenant" }),
  tenant_id: z.int(),
  peer_id: z.uuid(),
  interface_id: z.int(),
  what: z.enum(["peer", "key"]).openapi({
    description: "`peer`: the peer was removed; `key`: it got another key, and this one went",
  }),
  public_key: z.string(),
  gateway_key: z.string(),
  read_back_at: timestamp.openapi({
    description: "When the interface was read back without the key, by the gateway's clock",
  }),
  receipt_key: z.string().openapi({
    description: "Ed25519 public key that the signature is verified with, in base64",
  }),
  is_current_key: z.boolean().openapi({
    description: "Whether it is the key that the gateway publishes now",
  }),
  statement: z.string().openapi({ description: "The text that is signed, in UTF-8" }),
  signature: z.string().openapi({ description: "Ed25519 (RFC 8032), in base64" }),
}).openapi("Receipt");
export type ReceiptView = z.infer<typeof receiptSchema>;

export function viewReceipt(row: ReceiptRow): ReceiptView {
  const { signature, read_back_at, ...rest } = row;
  return {
    ...rest,
    read_back_at: read_back_at.toISOString(),
    statement: receiptStatement({
      interfaceId: row.interface_id,
      gatewayKey: row.gateway_key,
      tenantId: row.tenant_id,
      peerId: row.peer_id,
      what: row.what,
      publicKey: row.public_key,
      readBackAt: read_back_at,
    }),
    signature: signature.toBase64(),
  };
}
