import assert from "node:assert/strict";
import fc from "fast-check";
import "../tests/support/fixed_seed.ts";
import { overlaid } from "./overlay.ts";

interface Change {
  key: string;
  value: number | undefined;
}

Deno.test("overlaid: is the map that a copy would be, however many changes lie on one another", () => {
  const key = fc.integer({ min: 0, max: 400 }).map(String);
  const change = fc.record({ key, value: fc.option(fc.nat(), { nil: undefined }) });
  fc.assert(fc.property(
    fc.uniqueArray(key),
    fc.array(fc.array(change, { maxLength: 120 }), { maxLength: 8 }),
    (keys: string[], rounds: Change[][]) => {
      const copy = new Map(keys.map((key) => [key, { value: -1 }]));
      const base = new Map(copy);
      let made: ReadonlyMap<string, { value: number }> = base;
      for (const round of rounds) {
        const changes = round.map(({ key, value }) =>
          [key, value === undefined ? undefined : { value }] as const
        );
        const before = [...made];
        const next = overlaid(made, new Map(changes));
        assert.deepEqual([...made], before, "what was there is as it was");
        made = next;
        for (const [key, value] of new Map(changes)) {
          if (value) copy.set(key, value);
          else copy.delete(key);
        }
        assert.equal(made.size, copy.size);
        assert.deepEqual(new Map(made), copy);
        assert.deepEqual(new Set(made.keys()), new Set(copy.keys()));
        assert.deepEqual(new Set(made.values()), new Set(copy.values()));
        for (const { key } of round) {
          assert.equal(made.get(key), copy.get(key));
          assert.equal(made.has(key), copy.has(key));
        }
      }
    },
  ));
});
