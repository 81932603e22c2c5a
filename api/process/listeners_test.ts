import assert from "node:assert/strict";
import { createLogger, silentLogger } from "../../lib/log.ts";
import { freePort } from "../../tests/support/free_port.ts";
import { first, second } from "../../tests/support/tls_certificates.ts";
import { until } from "../../tests/support/until.ts";
import { temporaryFolder } from "../../tests/support/temporary_folder.ts";
import { listenTcp, listenUnix } from "./listeners.ts";

const fetch = () => new Response("ok");

Deno.test("listenUnix: T1: refuses a folder that others may enter, and leaves no socket in it", async (t) => {
  for (const mode of [0o755, 0o750, 0o710, 0o701]) {
    await t.step(mode.toString(8), async () => {
      await using folder = await temporaryFolder();
      await Deno.chmod(folder.path, mode);
      const path = `${folder.path}/api.sock`;
      await assert.rejects(listenUnix({ fetch, log: silentLogger, path }), /must be closed/);
      await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    });
  }
});

Deno.test("listenUnix: replaces the socket of a dead process, and never that of a living one", async () => {
  await using folder = await temporaryFolder();
  const path = `${folder.path}/api.sock`;
  const dead = new Deno.Command(Deno.execPath(), {
    args: ["eval", `Deno.listen({ transport: "unix", path: "${path}" }); Deno.exit()`],
  });
  await dead.output();
  assert((await Deno.lstat(path)).isSocket);
  const living = await listenUnix({ fetch, log: silentLogger, path });
  await assert.rejects(listenUnix({ fetch, log: silentLogger, path }), /another process answers/);
  await living.shutdown();
});

Deno.test("listenUnix: a socket that is taken away, with its folder or without, is there again, and never in an open folder", async () => {
  await using folder = await temporaryFolder();
  const inner = `${folder.path}/operator`;
  const path = `${inner}/api.sock`;
  await Deno.mkdir(inner, { mode: 0o700 });
  const logged: string[] = [];
  const log = createLogger({ level: "info", write: (line) => logged.push(line) });
  const server = await listenUnix({ fetch, log, path, lookEveryMs: 5 });
  const answers = async () => {
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path } });
    return await (await globalThis.fetch("http://localhost/", { client })).text() === "ok";
  };
  try {
    assert(await answers());
    await Deno.remove(path);
    await until("the socket is there again", answers);
    // In one step, as is its return: a folder that is half gone, or not yet open, would get a socket at once.
    await Deno.rename(inner, `${folder.path}/gone`);
    // Whoever makes it anew makes it too open: nobody is let in as the operator.
    const open = `${folder.path}/open`;
    await Deno.mkdir(open);
    await Deno.chmod(open, 0o755);
    await Deno.rename(open, inner);
    await until("it was refused", () => logged.some((line) => line.includes("must be closed")));
    await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
    await Deno.chmod(inner, 0o700);
    await until("the socket is there again", answers);
    const again = () => logged.filter((line) => line.includes("is there again")).length;
    // It answers before it is told.
    await until("both times are told", () => again() >= 2);
    assert.equal(again(), 2);
  } finally {
    await server.shutdown();
  }
  await assert.rejects(Deno.lstat(path), Deno.errors.NotFound);
});

Deno.test("listenTcp: ends TLS, serves a renewed certificate without dropping what is under way, and keeps the old one where the new is of no use", async () => {
  await using folder = await temporaryFolder();
  const tls = { certFile: `${folder.path}/cert.pem`, keyFile: `${folder.path}/key.pem` };
  const write = async (pair: { certificate: string; key: string }) => {
    await Deno.writeTextFile(tls.certFile, pair.certificate);
    await Deno.writeTextFile(tls.keyFile, pair.key);
  };
  await write(first);
  const port = freePort();
  const held = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const logged: string[] = [];
  const server = listenTcp({
    fetch: async ({ url }, { tls, listener }) => {
      if (url.endsWith("/slow")) {
        reached.resolve();
        await held.promise;
      }
      return Response.json({ url, tls, listener });
    },
    log: createLogger({ level: "info", write: (line) => logged.push(line) }),
    ...{ listener: "loopback", hostname: "127.0.0.1", port, tls },
  });
  const ask = async (trusted: string, path = "/") => {
    using client = Deno.createHttpClient({ caCerts: [trusted] });
    return await (await globalThis.fetch(`https://127.0.0.1:${port}${path}`, { client })).json();
  };
  try {
    const answer = { url: `https://127.0.0.1:${port}/`, tls: true, listener: "loopback" };
    assert.deepEqual(await ask(first.certificate), answer);
    await assert.rejects(globalThis.fetch(`http://127.0.0.1:${port}/`), "nothing in the clear");

    for (
      const useless of [
        { certificate: "", key: first.key },
        { certificate: first.certificate, key: "no key" },
        { certificate: first.certificate, key: second.key },
      ]
    ) {
      await write(useless);
      await server.reload();
      assert.match(logged.at(-1) ?? "", /the old one stays/);
      assert.doesNotMatch(logged.at(-1) ?? "", /PRIVATE|no key/);
      assert.deepEqual(await ask(first.certificate), answer);
    }
    await write(second);
    const slow = ask(first.certificate, "/slow");
    await reached.promise;
    const reloaded = server.reload();
    await until("the new certificate is served", async () => {
      return await ask(second.certificate).then(() => true, () => false);
    });
    await assert.rejects(ask(first.certificate));
    held.resolve();
    assert.equal((await slow).tls, true, "it ends under the certificate that it began with");
    await reloaded;
  } finally {
    await server.shutdown();
  }
});
