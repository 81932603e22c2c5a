import assert from "node:assert/strict";

export interface ParsedFamily {
  type: string;
  help: string;
  /** By label text as it stands, such as `{kind="x"}`, after the suffix where there is one. */
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"/y;

/**
 * Reads the text format of Prometheus (version 0.0.4) strictly: HELP, TYPE and samples of a family stand together
 * and once, no sample stands twice, counters are not negative, buckets add up. Fails on anything else.
 */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  assert.ok(text.endsWith("\n") && !text.includes("\r"), "every line ends with a line feed");
  const families = new Map<string, ParsedFamily>();
  let name = "";
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split("\n")) {
    const help = /^# HELP (\S+) (.+)$/.exec(line);
    if (help) {
      name = help[1] ?? "";
      assert.match(name, metricName);
      assert.ok(!families.has(name), `${name} begins twice`);
      families.set(name, { type: "", help: help[2] ?? "", samples: [] });
      continue;
    }
    const family = families.get(name);
    assert.ok(family, `a line before the first HELP: ${line}`);
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line);
    if (type) {
      assert.equal(type[1], name);
      assert.equal(family.type, "", `${name} has two types`);
      assert.equal(family.samples.length, 0);
      family.type = type[2] ?? "";
      continue;
    }
    const sample = /^([^\s{]+)(\{.*\})? (\S+)$/.exec(line);
    assert.ok(sample, `neither a comment nor a sample: ${line}`);
    const [, full = "", labels = "", value = ""] = sample;
    assert.match(full, metricName);
    assert.ok(family.type !== "", `${name} has no type`);
    const suffixes = family.type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    assert.ok(suffixes.some((suffix) => full === name + suffix), `${full} within ${name}`);
    assert.ok(!seen.has(full + labels), `${full}${labels} stands twice`);
    seen.add(full + labels);
    family.samples.push({ name: full, labels: parseLabels(labels), value: parseNumber(value) });
  }
  for (const [of, family] of families) check(of, family);
  return families;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  if (text === "") return labels;
  let at = 1;
  while (text[at] !== "}") {
    label.lastIndex = at;
    const found = label.exec(text);
    assert.ok(found, `malformed labels: ${text}`);
    const [whole, name = "", value = ""] = found;
    assert.ok(!(name in labels), `${name} twice in ${text}`);
    labels[name] = value.replace(/\\(.)/g, (_, c) => c === "n" ? "\n" : c);
    at += whole.length;
    if (text[at] === ",") at++;
    else assert.equal(text[at], "}", text);
  }
  assert.equal(at, text.length - 1, text);
  return labels;
}

function parseNumber(text: string): number {
  if (text === "+Inf") return Infinity;
  assert.match(text, /^-?\d+(\.\d+)?(e[+-]?\d+)?$/);
  return Number(text);
}

function check(name: string, { type, help, samples }: ParsedFamily): void {
  assert.ok(type !== "" && help.trim() !== "", `${name} has a type and a help text`);
  if (type === "counter") {
    assert.match(name, /_total$/);
    for (const { value } of samples) assert.ok(value >= 0);
  }
  if (type !== "histogram") return;
  const series = Map.groupBy(
    samples,
    ({ labels: { le: _, ...labels } }) => JSON.stringify(labels),
  );
  for (const of of series.values()) {
    const buckets = of.filter((sample) => sample.name === `${name}_bucket`);
    const bounds = buckets.map(({ labels }) => parseNumber(labels.le ?? ""));
    assert.deepEqual(bounds, bounds.toSorted((a, b) => a - b));
    assert.equal(bounds.at(-1), Infinity);
    const counts = buckets.map(({ value }) => value);
    assert.deepEqual(counts, counts.toSorted((a, b) => a - b), "buckets are cumulative");
    const count = of.find((sample) => sample.name === `${name}_count`);
    assert.equal(count?.value, counts.at(-1));
    assert.ok(of.some((sample) => sample.name === `${name}_sum`));
    assert.equal(of.length, buckets.length + 2);
  }
}

/** One sample's value; undefined where it is not there. */
export function sampleOf(
  families: Map<string, ParsedFamily>,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const wanted = Object.entries(labels);
  for (const family of families.values()) {
    for (const sample of family.samples) {
      const fits = sample.name === name &&
        Object.keys(sample.labels).length === wanted.length &&
        wanted.every(([key, value]) => sample.labels[key] === value);
      if (fits) return sample.value;
    }
  }
}
