import assert from "node:assert/strict";
import { continueTrace, currentTrace, traceHeaders, withTrace } from "./trace.ts";

const [trace, parent] = ["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"];

Deno.test("continueTrace: takes the trace of a valid traceparent and makes a span of its own", () => {
  for (
    const [text, sampled] of [
      [`00-${trace}-${parent}-01`, true],
      [`00-${trace}-${parent}-00`, false],
      [`00-${trace}-${parent}-ff`, true],
      // A later version: what is known of it is used (section 3.2.2).
      [`01-${trace}-${parent}-01-more`, true],
    ] as const
  ) {
    const taken = continueTrace(text);
    assert.deepEqual([taken.traceId, taken.sampled], [trace, sampled], text);
    assert.match(taken.spanId, /^[0-9a-f]{16}$/);
    assert.notEqual(taken.spanId, parent);
  }
});

Deno.test("continueTrace: whatever else is sent begins a new trace, and none of it is kept", () => {
  const seen = new Set<string>();
  for (
    const text of [
      ...[undefined, "", "x", trace, `00-${trace}-${parent}`, `00-${trace}-${parent}-01-more`],
      ...[`ff-${trace}-${parent}-01`, `00-${"0".repeat(32)}-${parent}-01`],
      ...[`00-${trace}-${"0".repeat(16)}-01`, `00-${trace.toUpperCase()}-${parent}-01`],
      ...[`00-${trace}-${parent}-01\n`, ` 00-${trace}-${parent}-01`, `00-${trace}-${parent}-0g`],
      ...[`00-${trace}-${parent}-01, 00-${trace}-${parent}-01`, `00-${trace}x-${parent}-01`],
    ]
  ) {
    const { traceId, sampled } = continueTrace(text);
    assert.match(traceId, /^(?!0{32})[0-9a-f]{32}$/);
    assert.notEqual(traceId, trace, JSON.stringify(text));
    assert.equal(sampled, false);
    seen.add(traceId);
  }
  assert.equal(seen.size, 15);
});

Deno.test("traceHeaders: pass on request and trace, and nothing where there is none", async () => {
  assert.deepEqual(traceHeaders(), {});
  const { traceId, spanId } = continueTrace(undefined);
  await withTrace({ requestId: "request-1", traceId, spanId, sampled: true }, async () => {
    await Promise.resolve();
    assert.equal(currentTrace()?.requestId, "request-1");
    assert.deepEqual(traceHeaders(), {
      "X-Request-ID": "request-1",
      traceparent: `00-${traceId}-${spanId}-01`,
    });
  });
  assert.equal(currentTrace(), undefined);
});
