import { fileURLToPath } from "node:url";
import { z } from "zod";
import { lines } from "../../lib/lines.ts";
import { keepOutput } from "./output.ts";

const value = z.object({
  stringValue: z.string().optional(),
  doubleValue: z.number().optional(),
  intValue: z.string().optional(),
  boolValue: z.boolean().optional(),
});
const sent = z.object({
  resourceSpans: z.array(z.object({
    scopeSpans: z.array(z.object({
      scope: z.object({ name: z.string() }),
      spans: z.array(z.object({
        traceId: z.string(),
        spanId: z.string(),
        parentSpanId: z.string(),
        name: z.string(),
        kind: z.number(),
        attributes: z.array(z.object({ key: z.string(), value })),
        status: z.object({ code: z.number(), message: z.string() }),
      })),
    })),
  })),
});

/** A span as a collector got it. */
export interface ReceivedSpan {
  scope: string;
  name: string;
  kind: "internal" | "server" | "client" | "other";
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: Record<string, string | number | boolean | undefined>;
  /** Names of attributes that came more than once. */
  twice: string[];
  failed: boolean;
}

export interface Collector extends AsyncDisposable {
  spans: ReceivedSpan[];
  /** Everything that was received, of spans or not, with its headers. */
  received: string[];
}

/** @param argv what the command is put behind, such as a namespace's */
export async function startCollector(
  { port, argv = (command) => [...command] }: {
    port: number;
    argv?: (command: readonly string[]) => string[];
  },
): Promise<Collector> {
  const script = fileURLToPath(new URL("otlp_process.ts", import.meta.url));
  const [program = "", ...args] = argv([
    ...[Deno.execPath(), "run", "--no-check", "--allow-net", script, String(port)],
  ]);
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped" }).spawn();
  const [spans, received]: [ReceivedSpan[], string[]] = [[], []];
  const listening = Promise.withResolvers<void>();
  const reading = (async () => {
    for await (const line of lines(child.stdout)) {
      const event = JSON.parse(line);
      if ("port" in event) listening.resolve();
      else {
        received.push(keepOutput(line));
        if (event.pathname === "/v1/traces") spans.push(...spansOf(event.body));
      }
    }
    listening.reject(new Error("the collector ended"));
  })();
  await listening.promise;
  return {
    spans,
    received,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await Promise.all([child.status, reading]);
    },
  };
}

const kinds: Record<number, ReceivedSpan["kind"]> = { 1: "internal", 2: "server", 3: "client" };

function spansOf(body: string): ReceivedSpan[] {
  const { resourceSpans } = sent.parse(JSON.parse(body));
  return resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ scope, spans }) =>
      spans.map(({ attributes, kind, status, ...span }) => {
        const keys = attributes.map(({ key }) => key);
        return {
          ...span,
          scope: scope.name,
          kind: kinds[kind] ?? "other",
          attributes: Object.fromEntries(
            attributes.map(({ key, value: of }) => [key, Object.values(of)[0]]),
          ),
          twice: keys.filter((key, at) => keys.indexOf(key) !== at),
          failed: status.code === 2,
        };
      })
    )
  );
}
