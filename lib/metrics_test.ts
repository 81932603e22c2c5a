import assert from "node:assert/strict";
import fc from "fast-check";
import "../tests/support/fixed_seed.ts";
import { parseExposition, sampleOf } from "../tests/support/exposition.ts";
import { Registry } from "./metrics.ts";

Deno.test("Registry: the whole text", () => {
  const registry = new Registry();
  const counter = registry.counter({ name: "runs_total", help: "Runs.", labels: ["program"] });
  counter.inc({ program: "wg" });
  counter.inc({ program: "wg" }, 2);
  counter.inc({ program: 'a"b\\c\nd' });
  registry.counter({ name: "never_total", help: "One\nline, and a \\." });
  registry.gauge({ name: "level", help: "A level." }).set({}, -0.5);
  registry.gauge({ name: "nobody", help: "By tenant.", labels: ["tenant"] });
  const sizes = registry.histogram({ name: "size", help: "Sizes.", buckets: [1, 10] });
  for (const size of [1, 2, 10, 11]) sizes.observe({}, size);
  assert.equal(
    registry.render(),
    `# HELP runs_total Runs.
# TYPE runs_total counter
runs_total{program="wg"} 3
runs_total{program="a\\"b\\\\c\\nd"} 1
# HELP never_total One\\nline, and a \\\\.
# TYPE never_total counter
never_total 0
# HELP level A level.
# TYPE level gauge
level -0.5
# HELP nobody By tenant.
# TYPE nobody gauge
# HELP size Sizes.
# TYPE size histogram
size_bucket{le="1"} 1
size_bucket{le="10"} 3
size_bucket{le="+Inf"} 4
size_sum 24
size_count 4
`,
  );
  assert.throws(() => registry.gauge({ name: "level", help: "Again." }), RangeError);
});

Deno.test("Registry: whatever labels and values, the text can be read and says them", () => {
  const text = fc.string({ unit: "binary", maxLength: 12 }).map((t) => t.replaceAll("\r", ""));
  fc.assert(
    fc.property(fc.array(fc.tuple(text, fc.nat(1e9)), { maxLength: 20 }), (incs) => {
      const registry = new Registry();
      const counter = registry.counter({ name: "x_total", help: "x", labels: ["a"] });
      const times = registry.histogram({
        name: "t",
        help: "t",
        labels: ["a"],
        buckets: [0.001, 1, 1000],
      });
      const totals = new Map<string, number>();
      for (const [a, by] of incs) {
        counter.inc({ a }, by);
        times.observe({ a }, by / 1e6);
        totals.set(a, (totals.get(a) ?? 0) + by);
      }
      const read = parseExposition(registry.render());
      for (const [a, total] of totals) {
        assert.equal(sampleOf(read, "x_total", { a }), total);
        assert.equal(
          sampleOf(read, "t_count", { a }),
          incs.filter(([label]) => label === a).length,
        );
      }
    }),
    { numRuns: 300 },
  );
});
