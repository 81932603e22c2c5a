import { dirname } from "node:path";
import { absent, isThere } from "./absent.ts";
import { errorFields, type Logger, silentLogger } from "./log.ts";

/** The socket's place cannot be used; the message says why. */
export class SocketError extends Error {
  override name = "SocketError";
}

export interface SocketServer {
  /** Takes no more requests, lets running ones end, and removes the socket file. */
  close(): Promise<void>;
}

/**
 * Serves HTTP on a Unix socket of mode 0660; who may reach it is decided by the folder's permissions. A file
 * left behind by a dead process is replaced, that of a living one never. Where somebody takes the file away, it is
 * made again as soon as its folder is there; the folder is whoever's who decides over its permissions.
 *
 * @param options.check called before each beginning; where it throws there is none
 * @param options.lookEveryMs how often it is looked whether the file is there
 * @throws {SocketError}
 */
export async function serveSocket(
  path: string,
  handler: (request: Request) => Response | Promise<Response>,
  { log = silentLogger, lookEveryMs = 1_000, check = () => Promise.resolve() }: {
    log?: Logger;
    lookEveryMs?: number;
    check?: () => Promise<void>;
  } = {},
): Promise<SocketServer> {
  if (new TextEncoder().encode(path).length > 107) {
    throw new SocketError(`${path} is longer than the 107 bytes that Linux allows for a socket`);
  }
  await check();
  let server: Deno.HttpServer | undefined = await listen(path, handler);
  let closing = false;
  let ended = false;
  watchFor(server);
  let timer = setTimeout(look, lookEveryMs);
  let looking = Promise.resolve();

  /** `Deno.serve` ends for good when one connection cannot be accepted, as where no file descriptor is left. */
  function watchFor(server: Deno.HttpServer): void {
    server.finished.catch((error) => {
      ended = true;
      log.error("the socket's listener ended", errorFields(error));
    });
  }

  async function mend(): Promise<void> {
    if ((!ended && await isThere(path)) || !(await isThere(dirname(path)))) return;
    // Its end removes the file, so it must not come after the new one's beginning.
    await server?.shutdown().catch(() => {});
    server = undefined;
    await check();
    server = await listen(path, handler);
    ended = false;
    watchFor(server);
    log.warn("the socket was gone and is there again", { socket: path });
  }

  function look(): void {
    looking = mend().catch((error) => {
      log.error("the socket is gone and cannot be made again", errorFields(error));
    }).then(() => {
      if (!closing) timer = setTimeout(look, lookEveryMs);
    });
  }

  return {
    async close() {
      closing = true;
      clearTimeout(timer);
      await looking;
      await server?.shutdown().catch(() => {});
    },
  };
}

async function listen(
  path: string,
  handler: (request: Request) => Response | Promise<Response>,
): Promise<Deno.HttpServer> {
  await clearPlace(path);
  const server = Deno.serve({ path, transport: "unix", onListen: () => {} }, handler);
  try {
    await Deno.chmod(path, 0o660);
  } catch (error) {
    // Somebody took the file away in that very moment.
    await server.shutdown().catch(() => {});
    throw error;
  }
  return server;
}

async function clearPlace(path: string): Promise<void> {
  try {
    const folder = await Deno.stat(dirname(path));
    if (!folder.isDirectory) throw new SocketError(`${dirname(path)} is not a folder`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new SocketError(`the folder ${dirname(path)} does not exist; make it, or name another`);
  }
  const found = await Deno.lstat(path).catch(absent);
  if (!found) return;
  if (!found.isSocket) throw new SocketError(`${path} is there already and is not a socket`);
  if (await answers(path)) throw new SocketError(`another process answers on ${path}`);
  await Deno.remove(path);
}

async function answers(path: string): Promise<boolean> {
  try {
    (await Deno.connect({ path, transport: "unix" })).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return false;
    throw error;
  }
}
