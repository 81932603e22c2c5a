import assert from "node:assert/strict";
import { LockError, lockInterface } from "./lock.ts";

Deno.test("lockInterface: a second one is refused at once, until the first lets go", async () => {
  const folder = await Deno.makeTempDir();
  try {
    {
      using _first = await lockInterface(folder, "wg0");
      await assert.rejects(lockInterface(folder, "wg0"), {
        name: "LockError",
        message: /another daemon serves wg0/,
      });
      using _other = await lockInterface(folder, "wg1");
    }
    using _again = await lockInterface(folder, "wg0");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("lockInterface: a missing folder is named", async () => {
  await assert.rejects(lockInterface("/nonexistent/folder", "wg0"), (error: unknown) => {
    assert.ok(error instanceof LockError);
    assert.match(error.message, /\/nonexistent\/folder does not exist/);
    return true;
  });
});
