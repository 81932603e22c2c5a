import { dirname } from "node:path";

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
 * left behind by a dead process is replaced, that of a living one never.
 *
 * @throws {SocketError}
 */
export async function serveSocket(
  path: string,
  handler: (request: Request) => Response | Promise<Response>,
): Promise<SocketServer> {
  if (new TextEncoder().encode(path).length > 107) {
    throw new SocketError(`${path} is longer than the 107 bytes that Linux allows for a socket`);
  }
  await clearPlace(path);
  const server = Deno.serve({ path, transport: "unix", onListen: () => {} }, handler);
  await Deno.chmod(path, 0o660);
  return {
    close: () => server.shutdown(),
  };
}

async function clearPlace(path: string): Promise<void> {
  let found: Deno.FileInfo;
  try {
    const folder = await Deno.stat(dirname(path));
    if (!folder.isDirectory) throw new SocketError(`${dirname(path)} is not a folder`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new SocketError(`the folder ${dirname(path)} does not exist; make it, or name another`);
  }
  try {
    found = await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
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
