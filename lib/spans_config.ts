import { z } from "zod";

/** Deno reads these by itself, before any of this code runs; what is checked here is that they go together. */
export const spanSettings = {
  OTEL_DENO: z.literal(
    "false",
    "must not be set: Deno would export whole URLs. OTEL_DENO_TRACING=true turns on spans without them",
  ).optional(),
  OTEL_DENO_TRACING: z.enum(["true", "false"]).default("false"),
  OTEL_TRACES_SAMPLER: z.string().optional(),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/, error: "must be an http(s):// URL" })
    .optional(),
  OTEL_EXPORTER_OTLP_PROTOCOL: z.enum(["http/protobuf", "http/json"]).default("http/protobuf"),
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional(),
  OTEL_SERVICE_NAME: z.string().optional(),
};

/** Keeps Deno's own spans of requests and fetches, which have whole URLs in them, from being recorded. */
export const ownSpansAlone = "parentbased_always_off";

/** What the two are not together, as {@link parseEnv} wants it said. */
export function checkSpans(
  value: { OTEL_DENO_TRACING?: string | undefined; OTEL_TRACES_SAMPLER?: string | undefined },
): string[] {
  if (value.OTEL_DENO_TRACING !== "true" || value.OTEL_TRACES_SAMPLER === ownSpansAlone) return [];
  return [
    `OTEL_TRACES_SAMPLER: must be ${ownSpansAlone} with OTEL_DENO_TRACING=true: any other exports whole URLs`,
  ];
}
