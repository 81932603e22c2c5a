import { createReceiptSigner, type ReceiptFacts } from "../../lib/receipt.ts";
import type { GatewayKey } from "../gateway/key.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Purge } from "../desired/table.ts";

/** A receipt as it is stored. */
export interface Receipt extends ReceiptFacts {
  readonly receiptKey: string;
  readonly signature: Uint8Array;
}

/** Signs what a read-back proves gone. */
export interface Receipts {
  /**
   * @param purge what is about to lose its tombstone; a key that is still there, because a row wants it again,
   * gets no receipt
   * @param readBack.at milliseconds since the Unix epoch
   */
  of(
    purge: Purge,
    readBack: { observed: ObservedInterface; at: number },
  ): Promise<readonly Receipt[]>;
}

/** @param key the gateway's own: receipts are signed with what is derived from it */
export async function createReceipts(
  { interfaceId, key }: { interfaceId: number; key: GatewayKey },
): Promise<Receipts> {
  const signer = await createReceiptSigner(key.privateKey);
  return {
    of(purge, { observed, at }) {
      const gone = [
        ...purge.peers.map(({ id, tenantId, publicKey }) => ({
          what: "peer" as const,
          peerId: id,
          tenantId,
          publicKey,
        })),
        ...purge.retired.map((retired) => ({ what: "key" as const, ...retired })),
      ].filter(({ publicKey }) => !observed.peers.has(publicKey));
      return Promise.all(gone.map(async (facts) => {
        const receipt = {
          ...facts,
          interfaceId,
          gatewayKey: key.publicKey,
          readBackAt: new Date(at),
        };
        return {
          ...receipt,
          receiptKey: signer.publicKey,
          signature: await signer.sign(receipt),
        };
      }));
    },
  };
}
