import type { ISpectralDiagnostic } from "@stoplight/spectral-core";
import spectralCore from "@stoplight/spectral-core";
import rulesets from "@stoplight/spectral-rulesets";
import owaspRuleset from "@stoplight/spectral-owasp-ruleset";
import type { OpenApiDocument } from "./mod.ts";
import type { Operation } from "./operation.ts";
import { type Waiver, waivers } from "./lint_waivers.ts";

/** Limits that protect the API are those of what it takes; what it answers it knows. */
const takenOnly = [
  ["owasp:api4:2023-array-limit", "array"],
  ["owasp:api4:2023-string-limit", "string"],
  ["owasp:api4:2023-string-restricted", "string"],
  ["owasp:api4:2023-integer-limit", "integer"],
  ["owasp:api4:2023-integer-format", "integer"],
] as const;

function ruleset() {
  const owasp = "default" in owaspRuleset ? owaspRuleset.default : owaspRuleset;
  const given = (type: string) =>
    ["requestBody", "parameters"].map((part) =>
      `$.paths[*][*].${part}..[?(@ && @.type=="${type}")]`
    );
  const rules = Object.fromEntries(
    takenOnly.map(([name, type]) => [name, { ...owasp.rules[name], given: given(type) }]),
  );
  return { extends: [[rulesets.oas, "recommended"], [owasp, "all"]], rules };
}

export interface Finding {
  rule: string;
  /** `METHOD path place`, or the place where it is about no operation. */
  where: string;
  message: string;
}

/**
 * The document with problem documents judged once, among the components, instead of at each of a thousand
 * references: Spectral would otherwise take a minute.
 */
function withoutRepeats(document: OpenApiDocument): Record<string, unknown> {
  const answers = structuredClone(document.components.responses);
  for (const { content } of Object.values(answers)) {
    for (const media of Object.values(content ?? {})) {
      media.schema = { type: "object" };
      media.examples = {};
    }
  }
  const { examples: _, schemas: { Problem: __, ...schemas }, ...components } = document.components;
  return { ...document, components: { ...components, schemas, responses: answers } };
}

/** What Spectral finds by the rules of OpenAPI and of OWASP's API security, and which of it is not waived. */
export async function lint(document: OpenApiDocument) {
  const spectral = new spectralCore.Spectral();
  spectral.setRuleset(ruleset());
  const found = (await spectral.run(withoutRepeats(document))).map((each) =>
    findingOf(document, each)
  );
  const used = new Set<Waiver>();
  const open = found.filter(({ rule, where }) => {
    const waiver = waivers.find((each) => each.rule === rule && each.where.test(where));
    if (waiver) used.add(waiver);
    return !waiver;
  });
  return { found, open, unused: waivers.filter((waiver) => !used.has(waiver)) };
}

function findingOf(
  { paths }: OpenApiDocument,
  { code, path, message }: ISpectralDiagnostic,
): Finding {
  const [root, template = "", method = "", ...rest] = path.map(String);
  const operation: Operation | undefined = paths[template]?.[method];
  if (rest[0] === "parameters") rest[1] = operation?.parameters[Number(rest[1])]?.name ?? "";
  const where = root === "paths" && operation
    ? `${method.toUpperCase()} ${template} ${rest.join("/")}`
    : path.join("/");
  return { rule: String(code), where, message };
}
