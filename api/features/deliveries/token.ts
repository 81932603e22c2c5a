import { createSealer, deriveSubkey, type Sealer } from "../../../lib/seal.ts";
import { Secret } from "../../../lib/secret.ts";

/** Minutes are enough to fetch a file, and too few to find a link by chance. */
export const deliveryLifetimeMs = 15 * 60_000;

/** A token that fetches one file once: 256 random bits in base64url. */
export interface DeliveryToken {
  text: Secret<string>;
  /** What the database knows of it. */
  digest: Uint8Array;
  /** Seals the file under a key that only the token gives. */
  sealer: Sealer;
}

export function makeDeliveryToken(): Promise<DeliveryToken> {
  return fromBytes(crypto.getRandomValues(new Uint8Array(32)));
}

/** @returns undefined for text that no token has */
export async function readDeliveryToken(text: string): Promise<DeliveryToken | undefined> {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return undefined;
  const token = await fromBytes(Uint8Array.fromBase64(text, { alphabet: "base64url" }));
  return token.text.reveal() === text ? token : undefined;
}

async function fromBytes(bytes: Uint8Array<ArrayBuffer>): Promise<DeliveryToken> {
  return {
    text: new Secret(bytes.toBase64({ alphabet: "base64url", omitPadding: true })),
    digest: new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)),
    sealer: await createSealer(await deriveSubkey(new Secret(bytes), "peer-delivery")),
  };
}

/** What a sealed file is bound to. */
export function deliveryRow(delivery: { tenantId: number; peerId: string }): string {
  return `wg_deliveries/${delivery.tenantId}/${delivery.peerId}`;
}
