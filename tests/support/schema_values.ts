import fc from "fast-check";
import type { Schema } from "./operations.ts";

/** A value for a field of a body, by its name; undefined leaves it to the schema. */
export type FieldValue = (name: string, schema: Schema) => unknown;

/**
 * One value that fits a schema, the same every time: what must be there, filled in by name where `field` knows
 * one, otherwise by the schema. Optional fields are left out unless `field` has a value for them.
 */
export function sampleOf(schema: Schema, field: FieldValue, name = ""): unknown {
  const given = field(name, schema);
  if (given !== undefined) return given;
  if ("const" in schema) return schema.const;
  if (schema.enum) return schema.enum[0];
  if (schema.examples) return schema.examples[0];
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices?.[0]) return sampleOf(choices[0], field, name);
  if (schema.allOf) {
    return Object.assign({}, ...schema.allOf.map((part) => sampleOf(part, field, name)));
  }
  const [type] = [schema.type].flat();
  switch (type) {
    case "object":
      return Object.fromEntries(
        Object.entries(schema.properties ?? {})
          .filter(([key, part]) =>
            schema.required?.includes(key) || field(key, part) !== undefined ||
            namesIds(part, field)
          )
          .map(([key, part]) => [key, sampleOf(part, field, key)]),
      );
    case "array": {
      const items = schema.items ?? {};
      const count = Math.max(schema.minItems ?? 0, namesIds(items, field) ? 1 : 0);
      return Array.from({ length: count }, () => sampleOf(items, field, name));
    }
    case "integer":
    case "number":
      return schema.minimum ?? (schema.exclusiveMinimum ?? 0) + 1;
    case "boolean":
      return false;
    case "null":
      return null;
    default:
      return textOf(schema);
  }
}

/** Whether an id stands somewhere below, so that lists of them are not left empty. */
function namesIds(schema: Schema, field: FieldValue): boolean {
  return Object.entries(schema.properties ?? {}).some(([key, part]) =>
    (/_ids?$/.test(key) && field(key, part) !== undefined) || namesIds(part, field)
  ) || (schema.items !== undefined && namesIds(schema.items, field));
}

const formats: Record<string, string> = {
  "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
  "email": "somebody@nowhere.example",
  "date-time": "2030-01-31T12:00:00.000Z",
  "date": "2030-01-31",
  "ipv4": "192.0.2.7",
  "ipv6": "2001:db8::7",
};

function textOf(schema: Schema): string {
  const known = schema.format === undefined ? undefined : formats[schema.format];
  if (known !== undefined) return known;
  const pattern = schema.pattern === undefined ? undefined : new RegExp(schema.pattern, "u");
  const candidates = [
    "text",
    "123456",
    "a.b",
    "a@b.example",
    "1",
    "192.0.2.0/24",
    "2001:db8::/64",
    "AbcdefghijklmnopqrstuvwxyZ0123456789-_=",
  ];
  const fits = candidates.find((text) => pattern?.test(text) ?? true) ?? "text";
  return fits.padEnd(schema.minLength ?? 0, "x").slice(0, schema.maxLength ?? Infinity);
}

/** Values that fit a schema in form, hostile ones among them; not each is one that the operation takes. */
export function valuesOf(schema: Schema, field: FieldValue, name = ""): fc.Arbitrary<unknown> {
  const given = field(name, schema);
  const own = given === undefined ? [] : [{ arbitrary: fc.constant(given), weight: 3 }];
  const choices = schema.anyOf ?? schema.oneOf;
  if ("const" in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (choices) {
    const each = choices.map((choice) => ({
      arbitrary: valuesOf(choice, field, name),
      weight: 1,
    }));
    return fc.oneof(...own, ...each);
  }
  const types = [schema.type].flat().filter((type) => type !== undefined);
  const each = types.map((type) => ({ arbitrary: ofType(type, schema, field, name), weight: 2 }));
  return each.length > 0 ? fc.oneof(...own, ...each) : fc.jsonValue({ maxDepth: 2 });
}

function ofType(
  type: string,
  schema: Schema,
  field: FieldValue,
  name: string,
): fc.Arbitrary<unknown> {
  switch (type) {
    case "object": {
      const parts = Object.entries(schema.properties ?? {});
      return fc.record(
        Object.fromEntries(parts.map(([key, part]) => [key, valuesOf(part, field, key)])),
        { requiredKeys: [] },
      );
    }
    case "array":
      return fc.array(valuesOf(schema.items ?? {}, field, name), {
        minLength: Math.min(schema.minItems ?? 0, 4),
        maxLength: Math.min(schema.maxItems ?? 4, 4),
      });
    case "integer":
    case "number":
      return fc.oneof(
        fc.integer({
          min: Math.ceil(schema.minimum ?? schema.exclusiveMinimum ?? -(2 ** 31)),
          max: Math.floor(schema.maximum ?? schema.exclusiveMaximum ?? 2 ** 31 - 1),
        }),
        // What is an integer to JSON and to no column.
        fc.constantFrom(2 ** 31, 2 ** 53 - 1, -(2 ** 31) - 1),
      );
    case "boolean":
      return fc.boolean();
    case "null":
      return fc.constant(null);
    default: {
      const bounds = { minLength: 0, maxLength: Math.min(schema.maxLength ?? 80, 80) };
      return fc.oneof(
        { arbitrary: fc.constant(textOf(schema)), weight: 3 },
        { arbitrary: fc.constantFrom(...hostileTexts), weight: 1 },
        { arbitrary: fc.string({ ...bounds, unit: "binary" }), weight: 1 },
      );
    }
  }
}

/** Texts that have broken parsers, databases and terminals elsewhere. */
export const hostileTexts = [
  "",
  " ",
  "0",
  "-1",
  "9".repeat(30),
  "1e309",
  "NaN",
  "'; drop table users; --",
  "' or 1=1 --",
  "\\",
  "%00",
  "%",
  "_",
  "../../../../etc/passwd",
  "<script>alert(1)</script>",
  "${7*7}{{7*7}}",
  "=cmd|' /C calc'!A0",
  "\r\nX-Injected: 1",
  "\u202etxt.exe",
  "\u{1F600}".repeat(20),
  "e\u0301",
  "\ufeff",
  "\uffff",
  "a@b",
  "x".repeat(5000),
  "00000000-0000-0000-0000-000000000000",
  "ffffffff-ffff-ffff-ffff-ffffffffffff",
  "0001-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999Z",
  "+275760-09-13T00:00:00.000Z",
  "255.255.255.255/32",
  "::/0",
  "::ffff:10.10.0.1",
  "[object Object]",
  "__proto__",
  "constructor",
];

/** What does not fit the schema: a good body with something of it replaced, added or taken away, or no such body. */
export function brokenOf(schema: Schema, field: FieldValue): fc.Arbitrary<unknown> {
  const good = sampleOf(schema, field);
  const anything = fc.oneof(
    fc.constantFrom<unknown>(...hostileTexts),
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom<unknown>(null, true, -0, 1.5, 2 ** 53, -(2 ** 63), 1e300, [], {}, [[[[]]]]),
  );
  const places = placesOf(good);
  const changed = fc.tuple(fc.nat(Math.max(0, places.length - 1)), anything).map(([n, value]) =>
    replaceAt(good, places[n] ?? [], value)
  );
  return fc.oneof({ arbitrary: changed, weight: 4 }, { arbitrary: anything, weight: 1 });
}

type Place = (string | number)[];

/** Every place inside a JSON value, leaves and branches. */
export function placesOf(value: unknown, at: Place = []): Place[] {
  if (Array.isArray(value)) {
    return [at, ...value.flatMap((part, n) => placesOf(part, [...at, n]))];
  }
  if (typeof value === "object" && value !== null) {
    return [at, ...Object.entries(value).flatMap(([key, part]) => placesOf(part, [...at, key]))];
  }
  return [at];
}

/** A copy with another value at one place. */
export function replaceAt(value: unknown, [first, ...rest]: Place, by: unknown): unknown {
  if (first === undefined) return by;
  if (Array.isArray(value)) {
    return value.map((part, n) => n === first ? replaceAt(part, rest, by) : part);
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      key,
      key === first ? replaceAt(part, rest, by) : part,
    ]),
  );
}
