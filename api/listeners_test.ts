import assert from "node:assert/strict";
import { silentLogger } from "../lib/log.ts";
import { listenUnix } from "./listeners.ts";

const fetch = () => new Response("ok");

async function folderOf(mode: number): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "massacorp-listen-" });
  await Deno.chmod(path, mode);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

Deno.test("listenUnix: T1: refuses a folder that others may enter, and leaves no socket in it", async (t) => {
  for (const mode of [0o755, 0o750, 0o710, 0o701]) {
    await t.step(mode.toString(8), async () => {
      await using folder = await folderOf(mode);
      const path = `${folder.path}/api.sock`;
      await assert.rejects(listenUnix({ fetch, log: silentLogger, path }), /must be closed/);
      await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    });
  }
});

Deno.test("listenUnix: replaces the socket of a dead process, and never that of a living one", async () => {
  await using folder = await folderOf(0o700);
  const path = `${folder.path}/api.sock`;
  const dead = new Deno.Command(Deno.execPath(), {
    args: ["eval", `Deno.listen({ transport: "unix", path: "${path}" }); Deno.exit()`],
  });
  await dead.output();
  assert((await Deno.lstat(path)).isSocket);
  const living = await listenUnix({ fetch, log: silentLogger, path });
  await assert.rejects(listenUnix({ fetch, log: silentLogger, path }), /another process listens/);
  await living.shutdown();
});
