import assert from "node:assert/strict";
import { genesis } from "../lib/audit/chain.ts";
import { type Checkpoint, checkpointLine, makeCheckpoint } from "../lib/audit/checkpoint.ts";
import { checkpointFolder, signer } from "../tests/support/sealer.ts";
import { appendWhole, openCheckpointFolder, readHistory } from "./checkpoint_folder.ts";

/** The next checkpoint, of one chain. */
const signed = (before: Checkpoint | null, seq: number, floor_seq = 0) =>
  makeCheckpoint(signer, {
    leaves: [
      { tenant_id: 1, seq, hash: genesis, floor_seq, floor_hash: genesis, cut: null },
    ],
    at: new Date("2026-11-28T12:00:00Z"),
    before: before && { n: before.n, line: checkpointLine(before) },
  });

Deno.test("readHistory: D1: of two histories that one key signed no line passes for that of the other, in a file and over two", async () => {
  const first = await signed(null, 1);
  const [ours, theirs] = [await signed(first, 2), await signed(first, 3)];
  const third = await signed(ours, 4);
  const faults = async (...days: Checkpoint[][]) => {
    await using folder = await checkpointFolder();
    for (const [at, lines] of days.entries()) {
      const text = lines.map((each) => `${checkpointLine(each)}\n`).join("");
      await Deno.writeTextFile(`${folder.path}/2026-11-0${at + 1}.jsonl`, text);
    }
    return (await readHistory(folder.path, signer.publicKey)).faults;
  };
  for (
    const good of [[[first, ours, third]], [[first, ours], [third]], [[first], [ours], [third]]]
  ) {
    assert.deepEqual(await faults(...good), []);
  }
  const [within = "", ...more] = await faults([first, theirs, third]);
  assert.match(within, /01\.jsonl, line 3: does not follow the line before it$/);
  assert.deepEqual(more, []);
  assert.deepEqual(await faults([first, theirs], [third]), [
    "2026-11-02.jsonl: does not follow checkpoint 2",
  ]);
  assert.equal((await faults([first], [third])).length, 1);
  // Nor does what is signed take back what was.
  const goesBack = "2026-11-01.jsonl: checkpoint 2 goes back in tenant 1";
  assert.deepEqual(await faults([first, await signed(first, 0)]), [goesBack]);
  const floored = await signed(null, 5, 4);
  assert.deepEqual(await faults([floored, await signed(floored, 5, 3)]), [goesBack]);
});

Deno.test("openCheckpointFolder: one sealer a folder; a day whose first line was never finished is as if not begun", async () => {
  await using folder = await checkpointFolder();
  const first = await signed(null, 1);
  await Deno.writeTextFile(`${folder.path}/2026-11-28.jsonl`, `${checkpointLine(first)}\n{"at":"2`);
  await Deno.writeTextFile(`${folder.path}/2026-11-29.jsonl`, '{"at":"2026-1');
  const opened = await openCheckpointFolder(folder.path, signer.publicKey);
  try {
    assert.deepEqual([opened.last?.n, opened.leaves.get(1)?.seq], [1, 1]);
    await assert.rejects(openCheckpointFolder(folder.path, signer.publicKey), /another sealer/);
    await opened.append(await signed(first, 2));
  } finally {
    opened.close();
  }
  const history = await readHistory(folder.path, signer.publicKey);
  assert.deepEqual([history.faults, history.last], [[], 2]);
});

Deno.test("appendWhole: a disk that is full in the middle of a line, or does not sync it, leaves none of it", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "before\n");
    const line = new TextEncoder().encode("the next line\n");
    using real = await Deno.open(path, { append: true });
    const full = {
      stat: () => real.stat(),
      write: async (bytes: Uint8Array) => {
        if ((await real.stat()).size >= 12) throw new Error("no space left on device");
        return await real.write(bytes.subarray(0, 5));
      },
      syncData: () => real.syncData(),
      truncate: (size?: number) => real.truncate(size),
    };
    await assert.rejects(appendWhole(full, line), /no space left/);
    assert.equal(await Deno.readTextFile(path), "before\n");
    const unsynced = {
      ...full,
      write: (bytes: Uint8Array) => real.write(bytes),
      syncData: () => Promise.reject(new Error("input/output error")),
    };
    await assert.rejects(appendWhole(unsynced, line), /input\/output/);
    assert.equal(await Deno.readTextFile(path), "before\n");
    await appendWhole(real, line);
    assert.equal(await Deno.readTextFile(path), "before\nthe next line\n");
  } finally {
    await Deno.remove(path);
  }
});
