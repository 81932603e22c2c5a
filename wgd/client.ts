import { hc } from "hono/client";
import { traceHeaders } from "../lib/trace.ts";
import type { WgdApp } from "./app.ts";
import type {
  DaemonStatus,
  ObservedPeerView,
  ReconcileRequest,
  ReconcileResult,
} from "./protocol.ts";

/** Why the daemon gave no answer that can be used. */
export type WgdUnavailableReason = "unreachable" | "timeout" | "not_ready" | "refused";

/** The daemon did not do what it was asked, or nobody knows whether it did. */
export class WgdUnavailable extends Error {
  override name = "WgdUnavailable";
  constructor(readonly reason: WgdUnavailableReason, detail: string, options?: ErrorOptions) {
    super(`the WireGuard daemon: ${detail}`, options);
  }
}

/** Talks to the daemon over its Unix socket. Every method throws {@link WgdUnavailable}. */
export interface WgdClient {
  status(): Promise<DaemonStatus>;
  /** With `wait` (the default) the answer comes after the interface was read back. */
  reconcile(request: ReconcileRequest): Promise<ReconcileResult>;
  /** What is on the interface: all of it, or of one peer its key and those it had before. */
  peers(peerId?: string): Promise<ObservedPeerView[]>;
  /** The daemon's metrics in the text format of Prometheus. */
  metrics(): Promise<string>;
  close(): void;
}

type Answer = Pick<Response, "ok" | "status" | "body">;

/**
 * @param socketPath absolute path of the daemon's socket; it need not be there yet
 * @param options.timeoutMs milliseconds that one call may take
 */
export function createWgdClient(
  socketPath: string,
  { timeoutMs }: { timeoutMs: number },
): WgdClient {
  const client = Deno.createHttpClient({ proxy: { transport: "unix", path: socketPath } });
  // Any other name would be looked up, although the connection goes to the socket.
  const api = hc<WgdApp>("http://localhost", {
    headers: () => traceHeaders(),
    fetch: (input: RequestInfo | URL, init?: RequestInit) =>
      fetch(input, { ...init, client, signal: AbortSignal.timeout(timeoutMs) }),
  });

  async function call<R extends Answer, T>(
    request: () => Promise<R>,
    read: (response: R) => Promise<T>,
  ): Promise<T> {
    try {
      const response = await request();
      if (response.ok) return await read(response);
      const reason = response.status === 503 ? "not_ready" : "refused";
      await response.body?.cancel();
      throw new WgdUnavailable(reason, `it answered ${response.status}`);
    } catch (error) {
      if (error instanceof WgdUnavailable) throw error;
      if (error instanceof DOMException && error.name === "TimeoutError") {
        throw new WgdUnavailable("timeout", `no answer within ${timeoutMs} ms`, { cause: error });
      }
      throw new WgdUnavailable("unreachable", "it cannot be reached", { cause: error });
    }
  }
  return {
    status: () => call(() => api.v1.status.$get(), (response) => response.json()),
    reconcile: (json) =>
      call(() => api.v1.reconcile.$post({ json }), (response) => response.json()),
    peers: (peerId) =>
      call(
        () => api.v1.peers.$get({ query: peerId === undefined ? {} : { peer_id: peerId } }),
        async (response) => (await response.json()).peers,
      ),
    metrics: () => call(() => api.v1.metrics.$get(), (response) => response.text()),
    close: () => client.close(),
  };
}
