import type { RouteConfig } from "@hono/zod-openapi";
import type { Router } from "../openapi.ts";
import { problemSchema } from "../problem.ts";
import { Schemas } from "./json_schema.ts";
import { type Answer, describeOperation, type Operation, type Shared } from "./operation.ts";
import { headerComponents } from "./problems.ts";
import { tagOf, tags } from "./tags.ts";

export interface OpenApiDocument {
  openapi: "3.1.0";
  info: Record<string, unknown>;
  servers: Record<string, unknown>[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, unknown>;
    responses: Record<string, Answer>;
    examples: Shared["examples"];
    headers: typeof headerComponents;
    securitySchemes: Record<string, unknown>;
  };
}

/** The OpenAPI 3.1 document of what is mounted in an app: from the schemas that its handlers are held to. */
export function describeApi(app: Router, { version }: { version: string }): OpenApiDocument {
  const schemas = new Schemas();
  schemas.of(problemSchema, "output");
  const shared: Shared = { schemas, responses: {}, examples: {} };
  const paths: OpenApiDocument["paths"] = {};
  for (const route of routesOf(app)) {
    const path = route.path.replace(/(?<=.)\/$/, "");
    const methods = paths[path] ??= {};
    methods[route.method] = describeOperation(shared, { ...route, path }, tagOf(path));
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "MassaCorp",
      version,
      description:
        "A multi-tenant platform whose API is reachable through a WireGuard tunnel alone. What a schema cannot say stands in docs/api.md.",
      contact: { name: "The operator of this installation" },
    },
    servers: [{
      url: "/",
      description: "Production: this very API, at the address that the document was read from",
      "x-internal": true,
    }],
    tags,
    paths,
    components: {
      schemas: sorted(schemas.components),
      responses: sorted(shared.responses),
      examples: sorted(shared.examples),
      headers: headerComponents,
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          bearerFormat: "JWT",
          description:
            "The access token of a session, for 15 minutes; handled as RFC8725 has it: algorithm, issuer and type are pinned, and the session is looked up at each request. On the operator's Unix socket a request without it is the operator's.",
        },
        apiKey: {
          type: "apiKey",
          in: "header",
          name: "X-API-Key",
          description: "A key made at /api/v1/api-keys, with the scopes that it was given",
        },
      },
    },
  };
}

function routesOf(app: Router): RouteConfig[] {
  return app.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === "route" ? [definition.route] : []
  );
}

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => a < b ? -1 : 1));
