/** An HTTP answer over a Unix socket; the body is parsed where it is JSON. */
export interface SocketAnswer {
  status: number;
  body: unknown;
}

export interface SocketRequest {
  method?: string;
  headers?: Record<string, string>;
  json?: unknown;
  timeoutMs?: number;
}

/** One HTTP request over a Unix socket. @throws when nobody answers there */
export async function socketFetch(
  socket: string,
  path: string,
  { method = "GET", headers = {}, json, timeoutMs = 10_000 }: SocketRequest = {},
): Promise<SocketAnswer> {
  using client = Deno.createHttpClient({ proxy: { transport: "unix", path: socket } });
  const response = await fetch(`http://localhost${path}`, {
    client,
    method,
    headers: json === undefined ? headers : { ...headers, "content-type": "application/json" },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  const text = await response.text();
  const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, body: isJson ? JSON.parse(text) : text };
}

/** True when the socket answers this path with 200. */
export async function answersOk(socket: string, path: string): Promise<boolean> {
  try {
    return (await socketFetch(socket, path, { timeoutMs: 2_000 })).status === 200;
  } catch {
    return false;
  }
}
