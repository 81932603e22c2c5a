import assert from "node:assert/strict";
import { Secret } from "../../lib/secret.ts";
import { generateKeyPair, generatePresharedKey } from "../../lib/wireguard_key.ts";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { newlyAdded } from "../observed.ts";
import { viewOf } from "./peer.ts";
import { Seen } from "../seen/mod.ts";
import { DesiredTable } from "../desired/table.ts";

Deno.test("viewOf: T6: says that a preshared key is another one, and shows neither", async () => {
  const { publicKey } = await generateKeyPair();
  const [mine, other] = [generatePresharedKey(), generatePresharedKey()];
  const allowedIps = ["10.10.0.6/32"];
  const row = desiredPeer({ id: crypto.randomUUID(), publicKey, presharedKey: mine });
  const table = new DesiredTable();
  table.restore({ peers: [row], retired: [], held: [], complete: true });
  const seen = new Seen();
  const view = (presharedKey: Secret<string> | null, ips = allowedIps) =>
    viewOf(newlyAdded({ publicKey, presharedKey, allowedIps: ips }), { table, seen });
  assert.deepEqual(view(new Secret(mine.reveal())).differs, []);
  assert.deepEqual(view(other).differs, ["preshared_key"]);
  assert.deepEqual(view(null, []).differs, ["allowed_ips", "preshared_key"]);
  for (const key of [mine, other]) {
    const text = JSON.stringify(view(other)) + Deno.inspect(view(other));
    assert.ok(!text.includes(key.reveal()));
  }
  seen.repaired(row.id, ["preshared_key"]);
  assert.deepEqual(view(mine).drift_repaired?.differences, ["preshared_key"]);
  for (let others = 0; others < 1_000; others++) seen.repaired(String(others), ["missing"]);
  assert.equal(view(mine).drift_repaired, null, "only the last are remembered");

  table.restore({ peers: [{ ...row, active: false }], retired: [], held: [], complete: true });
  assert.deepEqual(view(mine).differs, ["unwanted"]);
  const stranger = newlyAdded({ ...await generateKeyPair(), presharedKey: null, allowedIps });
  const { differs, peer_id, drift_repaired } = viewOf(stranger, { table, seen });
  assert.deepEqual([differs, peer_id, drift_repaired], [null, null, null]);
});
