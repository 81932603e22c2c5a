import { z } from "zod";
import { zodToOpenAPIRegistry } from "@asteasolutions/zod-to-openapi";

/** As much of JSON Schema 2020-12 as the document uses. */
export interface JsonSchema {
  $ref?: string;
  type?: string | string[];
  format?: string;
  pattern?: string;
  enum?: unknown[];
  const?: unknown;
  default?: unknown;
  examples?: unknown[];
  description?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  propertyNames?: JsonSchema;
  additionalProperties?: boolean | JsonSchema;
  required?: string[];
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
}

/** What is sent to the API, or what it answers: defaults and unknown fields mean another thing in each. */
export type Direction = "input" | "output";

/** Where the name of a component stands until it is moved there. */
const idKey = "x-component";

/** Formats that say all that their pattern would, with the longest text of each. */
const formats: Record<string, number> = {
  "uuid": 36,
  "date-time": 35,
  "date": 10,
  "ipv4": 15,
  "ipv6": 45,
};

/** Those of zod that JSON Schema has no name for keep their pattern. */
const unnamed: Record<string, number> = { cidrv4: 18, cidrv6: 49 };

/** The schemas of a document; those with a name of their own stand among its components once. */
export class Schemas {
  readonly components: Record<string, JsonSchema> = {};

  of(schema: z.ZodType, direction: Direction): JsonSchema {
    const { $schema: _, "~standard": __, ...json } = z.toJSONSchema(schema, {
      target: "draft-2020-12",
      io: direction,
      unrepresentable: "any",
      override: ({ zodSchema, jsonSchema }) => describe(zodSchema, jsonSchema),
    });
    return this.#tidy(json, direction);
  }

  /** The schema that a reference leads to. */
  follow(schema: JsonSchema): JsonSchema {
    const name = schema.$ref?.replace("#/components/schemas/", "");
    const target = name === undefined ? schema : this.components[name];
    if (!target) throw new Error(`there is no ${schema.$ref}`);
    return target;
  }

  #tidy(raw: object, direction: Direction): JsonSchema {
    const { [idKey]: id, ...json }: JsonSchema & { [idKey]?: string } = raw;
    const many = (all: JsonSchema[]) => all.map((each) => this.#tidy(each, direction));
    const tidied: JsonSchema = { ...json };
    if (json.pattern !== undefined) tidied.pattern = portable(json.pattern);
    if (json.properties) {
      tidied.properties = Object.fromEntries(
        Object.entries(json.properties).map(([key, part]) => [
          key,
          named(key, this.#tidy(part, direction)),
        ]),
      );
    }
    if (json.items) tidied.items = this.#tidy(json.items, direction);
    if (json.anyOf) tidied.anyOf = many(json.anyOf);
    if (json.oneOf) tidied.oneOf = many(json.oneOf);
    if (json.allOf) tidied.allOf = many(json.allOf);
    if (typeof json.additionalProperties === "object") {
      tidied.additionalProperties = this.#tidy(json.additionalProperties, direction);
    }
    // A client has to bear with fields that a later version answers.
    if (direction === "output" && json.additionalProperties === false) {
      delete tidied.additionalProperties;
    }
    return id === undefined ? bound(tidied) : this.#component(id, bound(tidied));
  }

  #component(id: string, schema: JsonSchema): JsonSchema {
    // The same schema may be described anew where it is used.
    const { description, ...rest } = schema;
    const known = this.components[id] ??= rest;
    if (JSON.stringify(known) !== JSON.stringify(rest)) {
      throw new Error(`two schemas are called ${id}`);
    }
    return {
      $ref: `#/components/schemas/${id}`,
      ...(description === undefined ? {} : { description }),
    };
  }
}

/** What `.openapi()` says of a schema, which zod knows nothing of. */
function describe(schema: z.core.$ZodType, json: object): void {
  const metadata = zodToOpenAPIRegistry.get(schema);
  if (!metadata) return;
  const { _internal, param: _, example, ...rest } = metadata;
  Object.assign(json, rest);
  if (example !== undefined) Object.assign(json, { examples: [example] });
  // What wraps a schema with a name inherits the name, and is another schema.
  const wraps = ["optional", "nullable", "default"].includes(schema._zod.def.type);
  if (_internal?.refId !== undefined && !wraps) {
    Object.assign(json, { [idKey]: _internal.refId });
  }
}

/** Forms that are hidden while they are written. */
const named = (key: string, schema: JsonSchema): JsonSchema =>
  schema.type === "string" && /password$/.test(key) ? { ...schema, format: "password" } : schema;

/** Patterns carry no flags, and what reads them without `u` would take `\\p` for a letter. */
const portable = (pattern: string) =>
  pattern.replaceAll("\\p{Cc}", "\\u0000-\\u001f\\u007f-\\u009f");

/** Bounds and formats that follow from others. */
function bound(schema: JsonSchema): JsonSchema {
  const { type, format } = schema;
  if (type === "integer") {
    // What a text in a path becomes.
    delete schema.pattern;
    const small = inInt32(schema.minimum ?? schema.exclusiveMinimum) &&
      inInt32(schema.maximum ?? schema.exclusiveMaximum);
    return { ...schema, format: small ? "int32" : "int64" };
  }
  if (type !== "string") return schema;
  // One class of characters, so many times.
  const [, least, most] = /^\^\[[^\]]*\]\{(\d+),(\d+)\}\$$/.exec(schema.pattern ?? "") ?? [];
  if (most !== undefined && schema.maxLength === undefined) {
    return { ...schema, minLength: Number(least), maxLength: Number(most) };
  }
  if (format === undefined) return schema;
  const longest = formats[format];
  if (longest !== undefined) {
    const { pattern: _, ...rest } = schema;
    return { ...rest, maxLength: schema.maxLength ?? longest };
  }
  const { format: _, ...rest } = schema;
  const length = unnamed[format];
  if (length !== undefined) return { ...rest, maxLength: length };
  return schema;
}

const inInt32 = (n: number | undefined) => n !== undefined && n >= -(2 ** 31) && n < 2 ** 31;
