import { ok } from "node:assert/strict";
import { heapFlags as apiHeap } from "../../api/process/heap.ts";
import { heapFlags as daemonHeap } from "../../wgd/heap.ts";

Deno.test("compose.yaml, deploy/systemd: API and daemon run in the memory that the bench measures them in", async () => {
  // However its lines are broken.
  const compose = (await Deno.readTextFile("compose.yaml")).replaceAll(/\s+/g, " ");
  for (const [unit, flags] of [["api", apiHeap], ["wgd", daemonHeap]] as const) {
    const text = await Deno.readTextFile(`deploy/systemd/massacorp-${unit}.service`);
    ok(text.includes(`${flags} -P=${unit} ${unit}/main.ts`), unit);
    ok(compose.includes(`"${flags}", "-P=${unit}", "${unit}/main.ts"`), unit);
  }
});
