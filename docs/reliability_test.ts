import assert from "node:assert/strict";

const project = new URL("../", import.meta.url);
const read = (path: string) => Deno.readTextFile(new URL(path, project));

/** Each has a row of its own. */
const troubles = [
  /^PostgreSQL killed/,
  /^PostgreSQL hangs/,
  /^PostgreSQL slow/,
  /^PostgreSQL's disk is full/,
  /^Redis killed/,
  /^Redis hangs/,
  /^The mail server takes connections and says nothing/,
  /^No file descriptor left/,
  /^10,000 log-ins at once/,
  /^One peer opens 1,000 connections with half a header/,
  /^Headers of 10 MB/,
];

Deno.test("docs/reliability.md: every trouble has its row, each with what is seen, until when, and a proof that is there", async () => {
  const page = await read("docs/reliability.md");
  const lines = page.split("\n").filter((line) => line.startsWith("| "));
  const rows = lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  for (const trouble of troubles) {
    assert.ok(rows.some(([first = ""]) => trouble.test(first)), `${trouble}`);
  }
  for (const cells of rows) {
    assert.equal(cells.length, rows[0]?.length, cells[0]);
    assert.deepEqual(cells.filter((cell) => cell === ""), [], cells[0]);
  }
  const proofs = new Set([...page.matchAll(/`([a-z/]+\/\w+_test\.ts)`/g)].map(([, at = ""]) => at));
  for (const proof of proofs) await Deno.stat(new URL(proof, project));
  for await (const { name } of Deno.readDir(new URL("tests/trouble/", project))) {
    if (name.endsWith("_test.ts")) assert.ok(proofs.has(`tests/trouble/${name}`), name);
  }
});
