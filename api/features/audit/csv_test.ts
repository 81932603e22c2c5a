import assert from "node:assert/strict";
import fc from "fast-check";
import "../../../tests/support/fixed_seed.ts";
import { csvLine } from "./csv.ts";

/** Reads one line of RFC 4180. */
function parse(line: string): string[] {
  assert(line.endsWith("\r\n"));
  const cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n$)/gy;
  for (let found; (found = cell.exec(line));) {
    cells.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
    if (found[3] !== ",") return cells;
  }
  return assert.fail(`no line of CSV: ${line}`);
}

const runs = /^[" ]*[=+\-@＝＋－＠]/;

Deno.test("csvLine: whatever stands in the cells comes out again, with an apostrophe where it would run in any locale", () => {
  const unit = fc.oneof(
    fc.constantFrom(..."=+-@＝＋－＠;\t\r\n\" ',|"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  );
  const text = fc.array(unit).map((units) => units.join(""));
  fc.assert(fc.property(fc.array(text, { minLength: 1 }), (texts) => {
    const line = csvLine(texts);
    const read = parse(line);
    assert.equal(read.length, texts.length);
    const bare = (text = "") => text.replaceAll("'", "");
    for (const [index, text] of texts.entries()) {
      assert.equal(bare(read[index]), bare(text));
      assert.doesNotMatch(read[index] ?? "", /^[\t\r\n]/);
      // As Excel reads it in French, and what is pasted: parted at what is no comma, quotes or none.
      for (const part of read[index]?.split(/[;\t\r\n]/) ?? []) assert.doesNotMatch(part, runs);
    }
  }));
});

Deno.test("csvLine: formulas are neutralised, behind a semicolon as well; numbers and what is absent stay", () => {
  const dangerous = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'];
  for (const text of dangerous) assert(csvLine([text]).startsWith(`"'`), text);
  const behind = "x;=cmd|' /C calc'!A0;";
  assert.equal(csvLine([behind]), `"x;'=cmd|' /C calc'!A0;"\r\n`);
  assert.equal(csvLine([`x; "=1;y\n-2`]), `"x;' ""=1;y\n'-2"\r\n`);
  assert.equal(
    csvLine([-1, null, "a", 'say "x"', "a,b", "a\r\nb", " x", "a; b - c", "x=1"]),
    [
      "-1",
      "",
      "a",
      '"say ""x"""',
      '"a,b"',
      '"a\r\nb"',
      '" x"',
      "a; b - c",
      "x=1\r\n",
    ].join(","),
  );
});
