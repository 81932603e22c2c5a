import assert from "node:assert/strict";
import { createLogger, errorFields, type LogFormat } from "./log.ts";
import { Secret } from "./secret.ts";
import { withTrace } from "./trace.ts";

function logger(format: LogFormat = "json") {
  const lines: string[] = [];
  const log = createLogger({ level: "debug", format, write: (line) => lines.push(line) });
  return { log, lines };
}

// deno-lint-ignore no-control-regex
const unprintable = /[\0-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const hostile = [
  '\n{"level":"critical","message":"forged"}',
  "\r\nforged\u2028forged\u2029forged\u0085forged",
  "\x1b[2J\x1b]0;title\x07\u009b31m",
  "\u202egnirts\u2066\u200f\u061c\ufeff",
  "\0\x7f\ud800",
];

Deno.test("log: whatever is in a field, a line is one line of JSON with nothing that a terminal obeys", () => {
  const { log, lines } = logger();
  for (const text of hostile) {
    log.info("request", {
      path: text,
      [text]: 1,
      error: new Error(text).message,
      deep: [{ text }],
    });
  }
  assert.equal(lines.length, hostile.length);
  for (const [index, line] of lines.entries()) {
    assert.doesNotMatch(line, unprintable);
    const { level, message, path } = JSON.parse(line);
    assert.deepEqual([level, message], ["info", "request"]);
    assert.equal(path, hostile[index], "what was sent can be read back");
  }
});

Deno.test("log: huge, circular and unprintable fields end neither the line nor the caller", () => {
  const { log, lines } = logger();
  const circle: Record<string, unknown> = {};
  circle.circle = circle;
  log.info("a", { huge: "x".repeat(10_000_000) });
  log.info("b", { many: Array.from({ length: 100_000 }, () => "y".repeat(50)) });
  log.info(
    "c",
    Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`k${n}`, "z".repeat(9)])),
  );
  log.info("d", circle);
  log.info("e", { big: 1n, undefined: undefined });
  log.info("f", { secret: new Secret("hunter2"), nested: { secret: new Secret(["hunter2"]) } });
  assert.equal(lines.length, 6);
  for (const [index, line] of lines.entries()) {
    assert.ok(line.length <= 20_000, `${line.length}`);
    assert.equal(JSON.parse(line).message, "abcdef"[index]);
    assert.doesNotMatch(line, /hunter2/);
  }
  assert.match(lines[0] ?? "", /… \(10000000 characters\)/);
});

Deno.test("log: pretty lines are for people, and hold against the same", () => {
  const { log, lines } = logger("pretty");
  for (const text of hostile) log.warn("request", { path: text, secret: new Secret("hunter2") });
  assert.equal(lines.length, hostile.length);
  for (const line of lines) {
    // Its own colours apart.
    // deno-lint-ignore no-control-regex
    const rest = line.replaceAll(/\x1b\[\d+m/g, "");
    assert.doesNotMatch(rest, /[\p{C}\u2028\u2029]/u);
    assert.match(rest, /^\d\d:\d\d:\d\d\.\d{3} warn {5}request path=/);
    assert.doesNotMatch(line, /hunter2/);
  }
  assert.ok(lines[2]?.includes("\\u{1b}[2J"));
});

Deno.test("log: within a trace each line has its ids and who asks, and its own fields stand above them", () => {
  const { log, lines } = logger();
  let tenant_id: number | undefined;
  const trace = { requestId: "request-1", traceId: "a".repeat(32), spanId: "b".repeat(16) };
  withTrace({ ...trace, sampled: false, who: () => ({ tenant_id }) }, () => {
    log.info("before");
    tenant_id = 7;
    log.with({ x: 1 }).info("after", { request_id: "another" });
  });
  log.error("outside", errorFields(new TypeError("no")));
  const [before, after, outside] = lines.map((line) => {
    const { time: _, ...rest } = JSON.parse(line);
    return rest;
  });
  const ids = { request_id: "request-1", trace_id: "a".repeat(32) };
  assert.deepEqual(before, { level: "info", message: "before", ...ids });
  const own = { x: 1, tenant_id: 7, request_id: "another" };
  assert.deepEqual(after, { level: "info", message: "after", ...ids, ...own });
  const error = { error: "no", error_name: "TypeError" };
  assert.deepEqual(outside, { level: "error", message: "outside", ...error });
});
