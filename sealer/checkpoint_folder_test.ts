import assert from "node:assert/strict";
import { appendWhole } from "./checkpoint_folder.ts";

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
