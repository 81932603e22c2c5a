import assert from "node:assert/strict";
import type { JsonSchema } from "../../api/document/json_schema.ts";
import type { TestApi } from "./api.ts";

export type Schema = JsonSchema;

interface Parameter {
  name: string;
  in: "path" | "query" | "header";
  schema: Schema;
}

export interface Operation {
  /** Method and path as the document has them. */
  name: string;
  method: string;
  template: string;
  permission: string;
  takesApiKey: boolean;
  asksForStepUp: boolean;
  parameters: Parameter[];
  /** Of its JSON body; undefined where it takes none. */
  body: Schema | undefined;
}

interface Document {
  paths: Record<
    string,
    Record<string, {
      "x-permission"?: string;
      "x-step-up"?: boolean;
      security?: Record<string, unknown>[];
      parameters?: Parameter[];
      requestBody?: { content: Record<string, { schema: Schema }> };
    }>
  >;
  components: { schemas?: Record<string, Schema> };
}

/** Every operation that the OpenAPI document of this API lists, references followed. */
export async function operations(api: TestApi): Promise<Operation[]> {
  const { body } = await api.request("/openapi.json");
  const document: Document = body;
  const follow = (schema: Schema): Schema => {
    const name = schema.$ref?.replace("#/components/schemas/", "");
    const target = name === undefined ? schema : document.components.schemas?.[name];
    if (!target) throw new Error(`the document refers to ${schema.$ref}, and has none`);
    const many = (schemas: Schema[] | undefined) => schemas?.map(follow);
    const { items, properties, anyOf, oneOf, allOf } = target;
    return {
      ...target,
      ...(items ? { items: follow(items) } : {}),
      ...(properties
        ? { properties: Object.fromEntries(entriesOf(properties).map(([k, v]) => [k, follow(v)])) }
        : {}),
      ...(anyOf ? { anyOf: many(anyOf) ?? [] } : {}),
      ...(oneOf ? { oneOf: many(oneOf) ?? [] } : {}),
      ...(allOf ? { allOf: many(allOf) ?? [] } : {}),
    };
  };
  const found = entriesOf(document.paths).flatMap(([template, methods]) =>
    entriesOf(methods).map(([method, operation]): Operation => {
      const content = operation.requestBody?.content["application/json"];
      return {
        name: `${method.toUpperCase()} ${template}`,
        method: method.toUpperCase(),
        template,
        permission: String(operation["x-permission"]),
        takesApiKey: (operation.security ?? []).some((scheme) => "apiKey" in scheme),
        asksForStepUp: operation["x-step-up"] === true,
        parameters: (operation.parameters ?? []).map((each) => ({
          ...each,
          schema: follow(each.schema),
        })),
        body: content && follow(content.schema),
      };
    })
  );
  assert(found.length >= 60, `the document lists ${found.length} operations`);
  return found;
}

const entriesOf = <T>(record: Record<string, T>): [string, T][] => Object.entries(record);

/** What no token opens is not held to the rules about tokens. */
export const isPublic = ({ permission }: Operation) => permission === "public";
/** Of the operator, who is in no tenant. */
export const isPlatforms = ({ permission }: Operation) => permission.startsWith("platform.");

export const pathParameters = ({ parameters }: Operation) =>
  parameters.filter((parameter) => parameter.in === "path");

/** An id of the form that a parameter has, and that nothing has. */
export function unknownId(schema: Schema, n = 0): string {
  const types = [schema.type].flat();
  const counts = types.includes("integer") || types.includes("number") ||
    (schema.pattern !== undefined && new RegExp(schema.pattern).test("987654321"));
  if (counts) return String(Math.min(schema.maximum ?? 987_654_321, 987_654_321) - n);
  return schema.format === "uuid" || schema.format === undefined
    ? `01890a5d-ac96-774b-bcce-${String(n).padStart(12, "0")}`
    : "unknown";
}

/** The path with its parameters filled in. */
export function fillPath({ template }: Operation, ids: Record<string, string | number>): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const id = ids[name];
    if (id === undefined) throw new Error(`${template}: nothing for {${name}}`);
    return encodeURIComponent(String(id));
  });
}

/** The path with ids that nothing has. */
export function unknownPath(operation: Operation): string {
  return fillPath(
    operation,
    Object.fromEntries(
      pathParameters(operation).map(({ name, schema }, n) => [
        name,
        unknownId(schema, n),
      ]),
    ),
  );
}
