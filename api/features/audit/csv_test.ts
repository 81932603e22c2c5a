import assert from "node:assert/strict";
import fc from "fast-check";
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

Deno.test("csvLine: whatever stands in the cells comes out again, with an apostrophe where it would run", () => {
  const cells = fc.array(fc.string({ unit: "binary" }), { minLength: 1 });
  fc.assert(fc.property(cells, (texts) => {
    const read = parse(csvLine(texts));
    assert.equal(read.length, texts.length);
    for (const [index, text] of texts.entries()) {
      assert.equal(
        read[index]?.replace(/^'(?=[=+\-@\t\r\n＝＋－＠])/, ""),
        text.replace(
          /^'(?=[=+\-@\t\r\n＝＋－＠])/,
          "",
        ),
      );
      assert.doesNotMatch(read[index] ?? "", /^[=+\-@\t\r\n＝＋－＠]/);
    }
  }));
});

Deno.test("csvLine: formulas are neutralised, numbers and what is absent stay", () => {
  const dangerous = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x","y")'];
  for (const text of dangerous) assert(csvLine([text]).startsWith(`"'`), text);
  assert.equal(
    csvLine([-1, null, "a", 'say "x"', "a,b", "a\r\nb", " x"]),
    [
      "-1",
      "",
      "a",
      '"say ""x"""',
      '"a,b"',
      '"a\r\nb"',
      '" x"\r\n',
    ].join(","),
  );
});
