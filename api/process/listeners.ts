import { dirname } from "node:path";
import { keepServing } from "../../lib/keep_serving.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import { serveSocket } from "../../lib/unix_socket.ts";
import type { AppEnv, Listener } from "../context.ts";

type Fetch = (request: Request, env: AppEnv["Bindings"]) => Response | Promise<Response>;

/** A listener that accepts, or will as soon as it can. */
export interface RunningListener {
  /** Stops accepting and waits for what is under way. */
  shutdown(): Promise<void>;
}

/** One that ends TLS, where it was given a certificate. */
export interface RunningTcpListener extends RunningListener {
  /** Serves under the certificate as its file is now; keeps the one it has where that is of no use. */
  reload(): Promise<void>;
}

/** Where a certificate with its chain and its private key lie, in PEM. */
export interface TlsFiles {
  certFile: string;
  keyFile: string;
}

interface TcpOptions {
  fetch: Fetch;
  log: Logger;
  listener: Exclude<Listener, "operator" | "scrape">;
  hostname: string;
  port: number;
  tls?: TlsFiles | undefined;
  /** Told of each certificate that is served from now on. */
  onCertificate?: (pem: string) => void;
  /** How often to try again while the address is not there, in ms. */
  retryMs?: number;
}

/**
 * Serves on an address that may not exist yet: the tunnel's addresses come with the interface. Once bound,
 * the socket outlives the interface, so that a recreated one is served again without a bind.
 */
export function listenTcp(options: TcpOptions): RunningTcpListener {
  const { hostname, port, log, listener, retryMs = 250 } = options;
  let certificate = options.tls && readCertificate(options.tls);
  if (certificate) options.onCertificate?.(certificate.cert);
  let waitLogged = false;
  const server = keepServing(
    () =>
      Deno.serve({
        hostname,
        port,
        onListen: () => log.info("listening", { listener, hostname, port }),
        ...certificate,
        handler: (request, info) =>
          options.fetch(request, {
            listener,
            address: info.remoteAddr.hostname,
            tls: certificate !== undefined,
          }),
      }),
    {
      log,
      retryMs,
      waitsFor(error) {
        if (!(error instanceof Deno.errors.AddrNotAvailable)) return false;
        if (!waitLogged) log.info("waiting for the address", { listener, hostname, port });
        return waitLogged = true;
      },
    },
  );
  return {
    shutdown: () => server.shutdown(),
    async reload() {
      if (!options.tls) return;
      try {
        certificate = readCertificate(options.tls);
      } catch (error) {
        log.error("the new certificate is of no use, the old one stays", errorFields(error));
        return;
      }
      options.onCertificate?.(certificate.cert);
      log.info("serving under a new certificate", { listener, hostname, port });
      // What is under way ends under the old one; a connection made in the millisecond between is refused.
      await server.restart();
    },
  };
}

/** @throws where a file cannot be read, is no PEM, or the key is another certificate's */
function readCertificate({ certFile, keyFile }: TlsFiles): { cert: string; key: string } {
  const pair = { cert: Deno.readTextFileSync(certFile), key: Deno.readTextFileSync(keyFile) };
  // Asked of the library itself, on a socket that nobody learns of.
  Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...pair }).close();
  return pair;
}

/**
 * Serves on a Unix socket. Its folder is the gate: it must be closed to everybody but this process's user
 * (and root), and is refused otherwise, also where it had to be made again.
 */
export async function listenUnix(
  options: { fetch: Fetch; log: Logger; path: string; lookEveryMs?: number },
): Promise<RunningListener> {
  const { path, log, lookEveryMs } = options;
  const server = await serveSocket(
    path,
    async (request) => await options.fetch(request, { listener: "operator", address: null }),
    {
      log,
      check: () => refuseOpenFolder(dirname(path)),
      ...(lookEveryMs === undefined ? {} : { lookEveryMs }),
    },
  );
  log.info("listening", { listener: "operator", path });
  return { shutdown: () => server.close() };
}

/**
 * Serves a scraper. The address has to be there: a process that waits for one looks like one that is well.
 * @throws where it cannot be bound
 */
export function listenScrape(
  options: { fetch: Fetch; log: Logger; hostname: string; port: number },
): RunningListener {
  const { hostname, port, log, fetch } = options;
  const listener = "scrape";
  return keepServing(() =>
    Deno.serve({
      hostname,
      port,
      onListen: () => log.info("listening", { listener, hostname, port }),
      handler: (request, info) => fetch(request, { listener, address: info.remoteAddr.hostname }),
    }), { log });
}

async function refuseOpenFolder(folder: string): Promise<void> {
  const { mode } = await Deno.stat(folder);
  if (mode !== null && (mode & 0o077) !== 0) {
    throw new Error(
      `${folder} must be closed to others (mode 0700): whoever enters it is the operator`,
    );
  }
}

/** Keeps a process alive through what nobody awaited: logged, never silent. */
export function logUnhandled(log: Logger): void {
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled rejection", errorFields(event.reason, { stack: true }));
  });
}
