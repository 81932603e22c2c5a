import { type ApiProcess } from "../bench/identity/api_process.ts";
import { until } from "../support/until.ts";

/** One line of what was seen, in the words that `docs/reliability.md` is written from. */
export function seen(trouble: string, facts: Record<string, unknown>): void {
  const text = Object.entries(facts).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  Deno.stdout.writeSync(new TextEncoder().encode(`TROUBLE ${trouble}: ${text.join("; ")}\n`));
}

export interface Seen {
  /** 0 where no answer came. */
  status: number;
  code: string;
  retryAfter: string | null;
  ms: number;
}

/** An ordinary request, and what its caller saw of it. */
export async function ask(url: string, init: RequestInit = {}): Promise<Seen> {
  const started = performance.now();
  const ms = () => Math.round(performance.now() - started);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(30_000), ...init });
    const body = await response.json().catch(() => ({}));
    const { status, headers } = response;
    return { status, code: body.code ?? "", retryAfter: headers.get("retry-after"), ms: ms() };
  } catch {
    return { status: 0, code: "no answer", retryAfter: null, ms: ms() };
  }
}

/** What of many answers there was how often, and the slowest of them. */
export function tally(
  answers: readonly Seen[],
): { answers: Record<string, number>; slowest: number } {
  const counts: Record<string, number> = {};
  for (const { status, code } of answers) {
    const name = code ? `${status} ${code}` : String(status);
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return { answers: counts, slowest: Math.max(...answers.map(({ ms }) => ms)) };
}

/** Milliseconds from now until it is true. */
export async function timeUntil(
  about: string,
  condition: () => Promise<boolean>,
): Promise<number> {
  const started = performance.now();
  await until(about, condition, { timeoutMs: 30_000 });
  return Math.round(performance.now() - started);
}

/** A connection by hand: what a client can send that no client library would. */
export async function rawConnection(port: number, hostname = "127.0.0.1") {
  const connection = await Deno.connect({ hostname, port });
  return {
    send: (text: string) => connection.write(new TextEncoder().encode(text)),
    /** All that comes until the other side hangs up, or for that long. */
    async answer(forMs = 2_000): Promise<string> {
      const timer = setTimeout(() => close(), forMs);
      let text = "";
      try {
        const decoder = new TextDecoder();
        const bytes = new Uint8Array(65_536);
        for (let n = await connection.read(bytes); n !== null; n = await connection.read(bytes)) {
          text += decoder.decode(bytes.subarray(0, n), { stream: true });
        }
      } catch {
        // Hung up on, by us or by the other side.
      }
      clearTimeout(timer);
      close();
      return text;
    },
    close,
    [Symbol.dispose]: close,
  };
  function close(): void {
    try {
      connection.close();
    } catch {
      // It is.
    }
  }
}

/** Open descriptors of a process. */
export async function descriptors({ pid }: Pick<ApiProcess, "pid">): Promise<number> {
  let count = 0;
  for await (const _ of Deno.readDir(`/proc/${pid}/fd`)) count++;
  return count;
}
