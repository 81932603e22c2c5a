import type { Span, SpanKind, Tracer } from "@opentelemetry/api";
import { currentTrace, withTrace } from "./trace.ts";
import { version } from "./version.ts";

/** What of a piece of work is told to a collector: never what a caller sent, but for ids in the forms of `trace.ts`. */
export interface SpanDescription {
  /** Of a closed set, as `GET /api/v1/users/:id`: never a path, a query, a statement's text. */
  name: string;
  kind: "server" | "client" | "internal";
  attributes?: SpanAttributes;
}

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** A span that has begun. */
export interface OpenSpan {
  /** What the work's own questions to others have for a parent. */
  readonly spanId: string;
  /** @param outcome.name what it is called after all, where that was not known at the beginning */
  end(outcome?: { name?: string; attributes?: SpanAttributes; failed?: boolean }): void;
}

interface Recorder {
  tracer: Tracer;
  kinds: Record<SpanDescription["kind"], SpanKind>;
  /** A context whose span is of another process. */
  under(parent: { traceId: string; spanId: string }): Parameters<Tracer["startSpan"]>[2];
}

let recorder: Recorder | undefined;

/**
 * From now on spans are recorded, by what Deno has built in: it batches them, bounded, and sends them to the collector
 * of its own environment variables. Until then, and where nobody wants them, nothing is loaded and nothing is done.
 */
export async function recordSpans(): Promise<void> {
  const { ROOT_CONTEXT, SpanKind, trace } = await import("@opentelemetry/api");
  recorder = {
    tracer: trace.getTracer("massacorp", version),
    kinds: { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL },
    // Marked as sampled whatever the caller said of it. It is the mark by which the sampler `parentbased_always_off`
    // tells our spans from those that Deno begins by itself, with whole URLs in them.
    under: (parent) =>
      trace.setSpan(ROOT_CONTEXT, trace.wrapSpanContext({ ...parent, traceFlags: 1 })),
  };
}

/** @returns undefined where spans are not recorded */
export function openSpan(
  { name, kind, attributes }: SpanDescription,
  parent: { traceId: string; spanId: string },
): OpenSpan | undefined {
  if (!recorder) return;
  const { tracer, kinds, under } = recorder;
  const span: Span = tracer.startSpan(name, { kind: kinds[kind] }, under(parent));
  // One by one: an attribute that is set twice is sent twice.
  const tell = (all: SpanAttributes = {}) => {
    for (const [key, value] of Object.entries(all)) span.setAttribute(key, value);
  };
  tell(attributes);
  return {
    spanId: span.spanContext().spanId,
    end(outcome = {}) {
      if (outcome.name !== undefined) span.updateName(outcome.name);
      tell(outcome.attributes);
      if (outcome.failed) span.setStatus({ code: errorStatus });
      span.end();
    },
  };
}

/** `SpanStatusCode.ERROR`, without loading the library for it. */
const errorStatus = 2;

/**
 * Does a part of a request's work as a span of its own, of which what it asks others is a part again. Outside of a
 * request, and where spans are not recorded, it is just done. Of an error its kind is told, never its words.
 */
export async function inSpan<T>(described: SpanDescription, act: () => Promise<T>): Promise<T> {
  const trace = currentTrace();
  const span = trace && openSpan(described, trace);
  if (!trace || !span) return await act();
  try {
    const result = await withTrace({ ...trace, spanId: span.spanId }, act);
    span.end();
    return result;
  } catch (error) {
    const kind = error instanceof Error ? error.name : "unknown";
    span.end({ failed: true, attributes: { "error.type": kind } });
    throw error;
  }
}
