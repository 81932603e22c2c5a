import { type RouteConfig, z } from "@hono/zod-openapi";
import { type ErrorCode, problemTypes } from "../errors.ts";
import { exampleOf } from "./examples.ts";
import type { JsonSchema, Schemas } from "./json_schema.ts";
import { codesOf, headersOf, type Kind, problemExample, statusesOf } from "./problems.ts";

interface Example {
  value?: unknown;
  $ref?: string;
}

interface Content {
  schema: JsonSchema;
  examples: Record<string, Example>;
}

export interface Answer {
  $ref?: string;
  description?: string;
  headers?: Record<string, JsonSchema>;
  content?: Record<string, Content>;
}

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  required?: boolean;
  description?: string;
  schema: JsonSchema;
  example?: unknown;
}

export interface Operation {
  operationId: string;
  summary: string;
  description: string;
  tags: string[];
  security: Record<string, string[]>[];
  "x-permission": string;
  "x-step-up": boolean;
  "x-rate-limit": string;
  parameters: Parameter[];
  requestBody?: { required: boolean; content: Record<string, Content> };
  responses: Record<string, Answer>;
}

/** What operations have in common is written once. */
export interface Shared {
  schemas: Schemas;
  responses: Record<string, Answer>;
  examples: Record<string, { summary: string; value: unknown }>;
}

/** One operation of the document, from its route. */
export function describeOperation(shared: Shared, route: RouteConfig, tag: string): Operation {
  const { schemas } = shared;
  const { operationId, summary } = route;
  const where = `${route.method.toUpperCase()} ${route.path}`;
  if (!operationId || !summary) throw new Error(`${where} has no operationId, or no summary`);
  const permission = String(route["x-permission"]);
  const stepUp = route["x-step-up"] === true;
  const rateLimit = String(route["x-rate-limit"]);
  const media = route.request?.body?.content["application/json"];
  const body = media && "schema" in media ? media.schema : undefined;
  const parameters = parametersOf(schemas, route, { tag, permission });
  const kind: Kind = {
    authenticated: permission !== "public",
    permitted: !["public", "authenticated"].includes(permission),
    stepUp,
    takesBody: body !== undefined,
    takesParams: parameters.some((each) => each.in === "path"),
    takesQuery: parameters.some((each) => each.in === "query"),
    behindTunnel: route.path.startsWith("/api/"),
    namesTenant: parameters.some(({ name }) => name.toLowerCase() === "x-tenant-id"),
    repeatable: parameters.some(({ name }) => name.toLowerCase() === "idempotency-key"),
  };
  const context = { shared, kind, tag, example: route["x-example"] };
  return {
    operationId,
    summary,
    description: [
      ...(route.description ? [route.description] : []),
      `${permissionWords(permission)}${
        stepUp ? " Needs a step-up within the last five minutes." : ""
      } ${limitWords(rateLimit)}`,
    ].join("\n\n"),
    tags: [tag],
    security: (route.security ?? []).map((each) => ({ ...each })),
    "x-permission": permission,
    "x-step-up": stepUp,
    "x-rate-limit": rateLimit,
    parameters,
    ...(body instanceof z.ZodType
      ? {
        requestBody: {
          required: route.request?.body?.required ?? false,
          content: {
            "application/json": contentOf(schemas.of(body, "input"), {
              ...context,
              whole: false,
              example: requestExample(route["x-example"]),
            }),
          },
        },
      }
      : {}),
    responses: answersOf(context, route),
  };
}

function permissionWords(permission: string): string {
  if (permission === "public") return "Needs no credentials.";
  if (permission === "authenticated") return "Needs a session, and no permission.";
  return `Permission: \`${permission}\`.`;
}

const limitWords = (name: string) =>
  name === "none" ? "Limited by source alone." : `Rate limit: \`${name}\`.`;

/** Given where the fields of a request are not free of one another. */
function requestExample(given: unknown): unknown {
  return typeof given === "object" && given !== null && "request" in given
    ? given.request
    : undefined;
}

const tenantHeader: Parameter = {
  name: "X-Tenant-ID",
  in: "header",
  description:
    "Id or slug of the tenant. The operator names the tenant to work in; with a token it may be left out, and must agree with it",
  schema: { type: "string", maxLength: 63, pattern: "^[a-z0-9][a-z0-9-]*$" },
  example: "acme",
};

/** Opaque, whatever it is made of: it is taken from an answer and handed back. */
const cursor: Parameter = {
  name: "cursor",
  in: "query",
  description: "`next_cursor` of the page before",
  schema: { type: "string", maxLength: 2000 },
  example: "0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d",
};

function parametersOf(
  schemas: Schemas,
  route: RouteConfig,
  { tag, permission }: { tag: string; permission: string },
): Parameter[] {
  const { params, query, headers = route["x-headers"] } = route.request ?? {};
  const found = [
    ...fieldsOf(schemas, "path", params, tag),
    ...fieldsOf(schemas, "query", query, tag),
    ...(Array.isArray(headers) ? headers : [headers]).flatMap((each) =>
      fieldsOf(schemas, "header", each, tag)
    ),
  ];
  const named = found.some(({ name }) => name.toLowerCase() === "x-tenant-id");
  const inTenant = permission.startsWith("platform.")
    ? Object.values(route.responses).some((each) => namedCodes(each).includes("tenant_required"))
    : permission !== "public";
  return inTenant && !named ? [...found, tenantHeader] : found;
}

function fieldsOf(
  schemas: Schemas,
  place: Parameter["in"],
  fields: unknown,
  tag: string,
): Parameter[] {
  if (!(fields instanceof z.ZodType)) return [];
  const { properties = {}, required = [] } = schemas.of(fields, "input");
  return Object.entries(properties).map(([name, { description, ...schema }]): Parameter => {
    if (name === "x-tenant-id") {
      return {
        ...tenantHeader,
        description: description ?? "Id or slug of the tenant",
        ...("x-required" in schema && schema["x-required"] === true ? { required: true } : {}),
      };
    }
    if (place === "query" && name === "cursor") return cursor;
    const [example] = schema.examples ??
      [exampleOf(schemas, { type: "object", properties: { [name]: schema } }, { tag, whole: true })]
        .map((value) => Object.values(Object(value))[0]);
    const { examples: _, ...rest } = schema;
    return {
      name: name === "idempotency-key" ? "Idempotency-Key" : name,
      in: place,
      ...(place === "path" || required.includes(name) ? { required: true } : {}),
      ...(description === undefined ? {} : { description }),
      schema: place === "header" ? { maxLength: 255, pattern: "^[ -~]+$", ...rest } : rest,
      example,
    };
  });
}

interface Context {
  shared: Shared;
  kind: Kind;
  tag: string;
  example: unknown;
}

function answersOf(context: Context, route: RouteConfig): Record<string, Answer> {
  const { shared, kind } = context;
  // Not where a proxy speaks HTTPS for the API, and never of what carries credentials.
  const answers: Record<string, Answer> = route.method === "get" ? { "308": ledToHttps } : {};
  const statuses = new Set([
    ...Object.keys(route.responses),
    ...statusesOf(kind),
  ]);
  for (const status of [...statuses].sort()) {
    const given = route.responses[status];
    if (given && "$ref" in given) throw new Error("answers are given, never referred to");
    const isProblem = !given || "application/problem+json" in (given.content ?? {});
    answers[status] = isProblem
      ? refusal(shared, Number(status), codesOf(Number(status), namedCodes(given), kind))
      : success(context, Number(status), given);
  }
  return answers;
}

const ledToHttps: Answer = {
  description: "Asked without credentials and without TLS, where the public origin is HTTPS",
  headers: {
    ...headersOf(308),
    "Location": { $ref: "#/components/headers/Location" },
  },
};

/** Codes that `refusals()` wrote down beside what the document has. */
function namedCodes(answer: object | undefined): ErrorCode[] {
  const codes: unknown = answer && "x-codes" in answer ? answer["x-codes"] : [];
  return Array.isArray(codes) ? codes.filter((code) => code in problemTypes) : [];
}

function refusal({ responses, examples }: Shared, status: number, codes: ErrorCode[]): Answer {
  const name = [status, ...codes].join(".");
  for (const code of codes) {
    examples[code] = { summary: problemTypes[code].title, value: problemExample(code) };
  }
  responses[name] = {
    description: codes.map((code) => `\`${code}\`: ${problemTypes[code].title}`).join("; "),
    headers: headersOf(status),
    content: {
      "application/problem+json": {
        schema: { $ref: "#/components/schemas/Problem" },
        examples: Object.fromEntries(
          codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
        ),
      },
    },
  };
  return { $ref: `#/components/responses/${name}` };
}

/** What answers that are no JSON look like. */
const texts: Record<string, string> = {
  "text/plain": "[Interface]\nAddress = 10.10.0.6/32\n",
  "text/csv": "id,at,action\n1042,2026-01-31T12:00:00.000Z,peer.create\n",
  "application/x-ndjson": '{"id":1042,"action":"peer.create"}\n',
  "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg"/>',
  "image/png": "(the bytes of a PNG)",
  "application/zip": "(the bytes of an archive)",
};

function success(
  context: Context,
  status: number,
  given: { description?: string; content?: object },
): Answer {
  const content = Object.entries(given.content ?? {}).flatMap(
    ([type, media]): [string, Content][] => {
      const schema = typeof media === "object" && media !== null && "schema" in media &&
        media.schema;
      if (!(schema instanceof z.ZodType)) return [];
      const json = context.shared.schemas.of(schema, "output");
      if (type === "application/json") {
        return [[type, contentOf(json, { ...context, whole: true, example: undefined })]];
      }
      return [[type, { schema: json, examples: { example: { value: texts[type] } } }]];
    },
  );
  return {
    description: given.description ?? "",
    headers: headersOf(status),
    ...(content.length > 0 ? { content: Object.fromEntries(content) } : {}),
  };
}

function contentOf(schema: JsonSchema, options: Context & { whole: boolean }): Content {
  const { shared, tag, whole, example } = options;
  const value = example ?? exampleOf(shared.schemas, schema, { tag, whole });
  return { schema, examples: { example: { value } } };
}
