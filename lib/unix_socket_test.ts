import assert from "node:assert/strict";
import { until } from "../tests/support/until.ts";
import { serveSocket } from "./unix_socket.ts";

async function place(): Promise<{ folder: string; path: string } & AsyncDisposable> {
  const folder = await Deno.makeTempDir();
  return {
    folder,
    path: `${folder}/wgd.sock`,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

async function get(path: string): Promise<string> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
  return await (await fetch("http://wgd/", { client })).text();
}

const handler = () => new Response("here");

Deno.test("serveSocket: answers, is for owner and group alone, and leaves no file behind", async () => {
  await using at = await place();
  const server = await serveSocket(at.path, handler);
  assert.equal(await get(at.path), "here");
  assert.equal(((await Deno.stat(at.path)).mode ?? 0) & 0o777, 0o660);
  await server.close();
  assert.deepEqual([...Deno.readDirSync(at.folder)], []);
});

Deno.test("serveSocket: takes the place of a dead process's socket", async () => {
  await using at = await place();
  // Bound and killed: the file stays, nobody listens.
  const script = `Deno.listen({ path: ${JSON.stringify(at.path)}, transport: "unix" });
    Deno.kill(Deno.pid, "SIGKILL");`;
  await new Deno.Command(Deno.execPath(), { args: ["eval", script], stderr: "null" }).output();
  assert.ok((await Deno.lstat(at.path)).isSocket);
  const server = await serveSocket(at.path, handler);
  assert.equal(await get(at.path), "here");
  await server.close();
});

Deno.test("serveSocket: never takes the place of a living one", async () => {
  await using at = await place();
  const first = await serveSocket(at.path, handler);
  await assert.rejects(serveSocket(at.path, handler), {
    name: "SocketError",
    message: /another process answers/,
  });
  assert.equal(await get(at.path), "here");
  await first.close();
});

Deno.test("serveSocket: never removes what is no socket", async () => {
  await using at = await place();
  await Deno.writeTextFile(at.path, "precious");
  await assert.rejects(serveSocket(at.path, handler), {
    name: "SocketError",
    message: /is not a socket/,
  });
  assert.equal(await Deno.readTextFile(at.path), "precious");
});

Deno.test("serveSocket: a missing folder and a path too long are said plainly", async () => {
  await using at = await place();
  await assert.rejects(serveSocket(`${at.folder}/no/wgd.sock`, handler), {
    name: "SocketError",
    message: /does not exist/,
  });
  await assert.rejects(serveSocket(`${at.folder}/${"x".repeat(108)}`, handler), {
    name: "SocketError",
    message: /107 bytes/,
  });
});

Deno.test("serveSocket: a file that somebody took away is made again, and so once its folder is back", async () => {
  await using at = await place();
  const server = await serveSocket(at.path, handler, { lookEveryMs: 5 });
  await Deno.remove(at.path);
  await until("it answers again", async () => await get(at.path) === "here");
  // At once: one that is emptied first may have a new socket in it before it goes.
  await Deno.rename(at.folder, `${at.folder}.gone`);
  await Deno.remove(`${at.folder}.gone`, { recursive: true });
  await assert.rejects(get(at.path));
  await Deno.mkdir(at.folder);
  await until("it answers again", async () => await get(at.path) === "here");
  await until("its mode is set", async () => {
    return (((await Deno.stat(at.path)).mode ?? 0) & 0o777) === 0o660;
  });
  await server.close();
  assert.deepEqual([...Deno.readDirSync(at.folder)], []);
});
