import { exampleValues } from "./example_values.ts";
import type { JsonSchema, Schemas } from "./json_schema.ts";

/** Which of several values by one name is meant: the nearest name that is known decides. */
interface Place {
  /** Of the schemas, fields and tag around it, innermost first. */
  around: readonly string[];
  name: string;
}

/**
 * A value that shows what a schema is about: what the schema itself gives, else what `example_values.ts` has for
 * the field's name, else what its type allows. Same input, same value.
 * @param whole optional fields too; otherwise what must be there alone
 */
export function exampleOf(
  schemas: Schemas,
  schema: JsonSchema,
  { tag, whole }: { tag: string; whole: boolean },
): unknown {
  const compose = (schema: JsonSchema, place: Place): unknown => {
    const component = schema.$ref?.replace("#/components/schemas/", "");
    const target = schemas.follow(schema);
    if ("const" in target) return target.const;
    const named = valueFor(place);
    const known = named !== undefined && fits(target, named) ? named : undefined;
    // An example of a time is one of any time.
    const [own] = target.format === "date-time" || known === null ? [] : target.examples ?? [];
    if (own !== undefined) return own;
    if (known !== undefined) return known;
    if (target.enum) return target.enum[0];
    if (target.default !== undefined) return target.default;
    const [choice] = target.anyOf ?? target.oneOf ?? [];
    if (choice) return compose(choice, place);
    if (target.allOf) {
      return Object.assign({}, ...target.allOf.map((part) => compose(part, place)));
    }
    const around = [...(component ? [component] : []), ...(place.name ? [place.name] : [])]
      .concat(place.around);
    switch ([target.type].flat()[0]) {
      case "object":
        return composeObject(target, around);
      case "array":
        return target.items ? [compose(target.items, { ...place, around })] : [];
      case "integer":
      case "number":
        return Math.max(
          target.minimum ?? 0,
          target.exclusiveMinimum === undefined ? 0 : target.exclusiveMinimum + 1,
          0,
        );
      case "boolean":
        return false;
      case "null":
        return null;
      default:
        return textFor(target, place.name);
    }
  };
  const composeObject = (target: JsonSchema, around: string[]) => {
    const required = target.required ?? [];
    // A change of nothing would be no example.
    const all = whole || required.length === 0;
    return Object.fromEntries(
      Object.entries(target.properties ?? {})
        .filter(([name]) => all || required.includes(name))
        .map(([name, part]) => [name, compose(part, { around, name })]),
    );
  };
  return compose(schema, { around: [tag], name: "" });
}

function valueFor({ around, name }: Place): unknown {
  if (name === "") return undefined;
  for (const outer of around) {
    const value = exampleValues[`${outer}.${name}`];
    if (value !== undefined) return value;
  }
  return exampleValues[name];
}

/** As far as the type goes; a test validates every example for good. */
function fits(schema: JsonSchema, value: unknown): boolean {
  if (schema.anyOf) return schema.anyOf.some((each) => fits(each, value));
  if (schema.enum) return schema.enum.includes(value);
  const types = [schema.type].flat();
  if (value === null) return types.includes("null");
  if (Array.isArray(value)) return types.includes("array");
  if (typeof value === "number") return types.includes("integer") || types.includes("number");
  if (typeof value === "string" && types.includes("string")) {
    if (schema.format === "uuid") return /^[0-9a-f-]{36}$/.test(value);
    return schema.pattern === undefined || new RegExp(schema.pattern, "u").test(value);
  }
  return types.includes(typeof value);
}

const byFormat: Record<string, string> = {
  "uuid": "0197f1c2-6a3e-7b90-8c1d-2e4f5a6b7c8d",
  "date-time": "2026-01-31T12:00:00.000Z",
  "date": "2026-01-31",
  "email": "ada@acme.example",
  "ipv4": "192.0.2.7",
  "ipv6": "2001:db8::7",
};

function textFor({ format, pattern }: JsonSchema, name: string): string {
  const known = format === undefined ? undefined : byFormat[format];
  if (known !== undefined) return known;
  const candidates = ["text", "7", "192.0.2.0/24", "2001:db8::/64"];
  const fitting = candidates.find((each) =>
    pattern === undefined || new RegExp(pattern, "u").test(each)
  );
  if (fitting === undefined) throw new Error(`no example of ${name || "a text"} (${pattern})`);
  return fitting;
}
