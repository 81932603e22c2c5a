import assert from "node:assert/strict";
import { ConfigError } from "./env.ts";
import { loadConfig as loadWgdConfig } from "../wgd/config.ts";
import { inSpan, openSpan } from "./spans.ts";
import { currentTrace, resumeTrace, withTrace } from "./trace.ts";

const trace = resumeTrace({
  requestId: "request-1",
  traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
  spanId: null,
});

Deno.test("spans: off, work is done as it is, in the trace that it was in", async () => {
  assert.match(trace.spanId, /^(?!0{16})[0-9a-f]{16}$/);
  await withTrace(trace, async () => {
    assert.equal(openSpan({ name: "x", kind: "server" }, trace), undefined);
    const seen = await inSpan({ name: "x", kind: "client" }, () => Promise.resolve(currentTrace()));
    assert.equal(seen, trace);
    await assert.rejects(
      inSpan({ name: "x", kind: "client" }, () => Promise.reject(new RangeError("no"))),
      RangeError,
    );
  });
});

Deno.test("spans: A6: no process starts with what would let Deno's own spans out, which have whole URLs in them", () => {
  const faultsOf = (env: Record<string, string>) => {
    try {
      loadWgdConfig(env);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.faults.filter((fault) => fault.startsWith("OTEL_")).map((fault) =>
        fault.split(":")[0]
      );
    }
    assert.fail("the rest is missing");
  };
  const on = { OTEL_DENO_TRACING: "true" };
  assert.deepEqual(faultsOf({}), []);
  assert.deepEqual(faultsOf({ ...on, OTEL_TRACES_SAMPLER: "parentbased_always_off" }), []);
  for (const sampler of ["", "always_on", "parentbased_always_on", "traceidratio"]) {
    assert.deepEqual(faultsOf({ ...on, OTEL_TRACES_SAMPLER: sampler }), ["OTEL_TRACES_SAMPLER"]);
  }
  assert.deepEqual(faultsOf({ OTEL_DENO: "true" }), ["OTEL_DENO"]);
  for (const endpoint of ["localhost:4318", "file:///etc/passwd", "x"]) {
    assert.deepEqual(faultsOf({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }), [
      "OTEL_EXPORTER_OTLP_ENDPOINT",
    ]);
  }
});
