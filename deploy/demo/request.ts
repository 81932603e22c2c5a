/** One HTTP request, told on standard input, its outcome on standard output: run inside a namespace. */
export interface RequestOrder {
  url: string;
  method?: string;
  headers?: Record<string, string>;
  json?: unknown;
  timeoutMs: number;
}

export type RequestOutcome =
  | { status: number; body: unknown }
  /** `TimeoutError` when nobody answered; anything else is an answer of a kind. */
  | { error: string };

async function send(order: RequestOrder): Promise<RequestOutcome> {
  try {
    const response = await fetch(order.url, {
      method: order.method ?? "GET",
      headers: { ...order.headers, "content-type": "application/json" },
      ...(order.json === undefined ? {} : { body: JSON.stringify(order.json) }),
      signal: AbortSignal.timeout(order.timeoutMs),
    });
    const text = await response.text();
    const isJson = /[/+]json\b/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  } catch (error) {
    return { error: error instanceof Error ? error.name : String(error) };
  }
}

if (import.meta.main) {
  const order: RequestOrder = JSON.parse(await new Response(Deno.stdin.readable).text());
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(await send(order))));
}
