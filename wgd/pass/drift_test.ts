import assert from "node:assert/strict";
import { desiredPeer } from "../../tests/support/daemon_views.ts";
import { createLogger } from "../../lib/log.ts";
import { encodeKey } from "../../lib/wireguard_key.ts";
import { foreignKeys, noteDrift } from "./drift.ts";
import { type ObservedInterface, parseDump } from "../observed.ts";
import type { AuditEntry } from "../record/store.ts";
import { Seen } from "../seen/mod.ts";
import { DesiredTable } from "../desired/table.ts";

const key = (byte: number) => encodeKey(new Uint8Array(32).fill(byte));

function having(...publicKeys: string[]): ObservedInterface {
  const peers = publicKeys.map((publicKey) =>
    `${publicKey}\t(none)\t(none)\t(none)\t0\t0\t0\toff\n`
  );
  return parseDump(`(none)\t(none)\t51820\toff\n${peers.join("")}`);
}

Deno.test("noteDrift: of keys without a row, those that the read-back lacks were taken off, and no others", () => {
  const [gone, stays, released, releasedAndStays] = [1, 2, 3, 4].map(key);
  assert.ok(gone && stays && released && releasedAndStays);
  const foreign = [gone, stays, released, releasedAndStays];
  const table = new DesiredTable();
  table.adopt([]);
  table.replaceAll({
    state: { peers: [], retired: [] },
    slices: "all",
    digests: new Map(),
    released: [released, releasedAndStays],
  });
  const seen = new Seen();
  const audit: AuditEntry[] = [];
  const lines: Record<string, unknown>[] = [];
  const recorder = {
    audit: (entry: AuditEntry) => audit.push(entry),
    write: () => Promise.resolve(true),
  };
  const log = createLogger({ level: "warn", write: (line) => lines.push(JSON.parse(line)) });
  const pass = (after: ObservedInterface) => {
    const before = having(...foreign);
    noteDrift({ table, seen, recorder, log }, {
      rows: { peers: [], retired: [] },
      found: {
        before,
        after,
        foreign,
        lookedAt: 0,
        failures: new Map(),
        ensured: { observed: before, drift: [], created: false, guarded: true, faults: [] },
        refused: null,
      },
      verdicts: new Map(),
      now: 0,
    });
  };
  pass(having(...foreign));
  assert.deepEqual([audit, lines], [[], []]);
  assert.equal(seen.drift, 2, "found, it counts all the same");
  pass(having(stays, releasedAndStays));
  assert.deepEqual(audit.map(({ details }) => details), [
    { differences: ["foreign"], public_keys: [gone] },
  ]);
  assert.deepEqual(lines.map((line) => line.public_key), [gone, released]);
});

Deno.test("foreignKeys: T7: of a table that has lost all its rows nothing is taken off, but what an operator released", () => {
  const [known, byHand, released] = [1, 2, 3].map(key);
  assert.ok(known && byHand && released);
  const table = new DesiredTable();
  const read = (...publicKeys: string[]) =>
    table.replaceAll({
      state: {
        peers: publicKeys.map((publicKey) =>
          desiredPeer({
            id: publicKey,
            publicKey,
            allowedIps: [],
          })
        ),
        retired: [],
      },
      slices: "all",
      digests: new Map(),
      released: [released],
    });
  read(known);
  assert.deepEqual(foreignKeys(table, having(known)), []);
  assert.deepEqual(foreignKeys(table, having(known, byHand, released)), [byHand, released]);
  read();
  assert.deepEqual(foreignKeys(table, having(known, byHand, released)), [released]);
});
