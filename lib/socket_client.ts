import { traceHeaders } from "./trace.ts";

/** Asks a process of this host over its Unix socket. */
export interface SocketClient {
  /** @throws where it does not answer in time, or answers anything but 2xx */
  get(path: string): Promise<Response>;
  close(): void;
}

/** @param options.timeoutMs milliseconds that one call may take */
export function createSocketClient(
  socketPath: string,
  { timeoutMs }: { timeoutMs: number },
): SocketClient {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socketPath } });
  return {
    async get(path) {
      // Any other name would be looked up, although the connection goes to the socket.
      const response = await fetch(`http://localhost${path}`, {
        client,
        headers: traceHeaders(),
        signal: AbortSignal.timeout(timeoutMs),
      });
      if (response.ok) return response;
      await response.body?.cancel();
      throw new Error(`${path} answered ${response.status}`);
    },
    close: () => client.close(),
  };
}
