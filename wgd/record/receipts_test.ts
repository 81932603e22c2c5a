import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { receiptStatement, verifyReceipt } from "../../lib/receipt.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { parseDump } from "../observed.ts";
import { createReceipts } from "./receipts.ts";

Deno.test("createReceipts: T3: one for each key that the read-back lacks, none for one that it has", async () => {
  const gateway = await generateKeyPair();
  const [gone, old, still] = await Promise.all([1, 2, 3].map(generateKeyPair));
  assert.ok(gone && old && still);
  const peer = desiredPeer({
    tenantId: 7,
    id: crypto.randomUUID(),
    publicKey: gone.publicKey,
    active: false,
    tombstone: true,
  });
  const retired = [old, still].map(({ publicKey }) => ({
    tenantId: 7,
    peerId: peer.id,
    publicKey,
  }));
  const observed = parseDump(
    `(none)\t(none)\t51820\toff\n${still.publicKey}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n`,
  );
  const receipts = await createReceipts({ interfaceId: 3, key: gateway });
  const at = Date.parse("2030-01-01T00:00:00.123Z");
  const made = await receipts.of({ peers: [peer], retired, released: [] }, { observed, at });
  assert.deepEqual(
    made.map(({ what, publicKey }) => [what, publicKey]),
    [["peer", gone.publicKey], ["key", old.publicKey]],
  );
  for (const receipt of made) {
    const { gatewayKey, interfaceId, tenantId, peerId, readBackAt, receiptKey } = receipt;
    assert.deepEqual(
      { gatewayKey, interfaceId, tenantId, peerId, readBackAt: readBackAt.getTime() },
      {
        gatewayKey: gateway.publicKey,
        interfaceId: 3,
        tenantId: 7,
        peerId: peer.id,
        readBackAt: at,
      },
    );
    const signature = new Uint8Array(receipt.signature);
    const statement = receiptStatement(receipt);
    assert.ok(await verifyReceipt({ statement, receiptKey, signature }));
  }
});
