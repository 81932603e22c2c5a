import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { OpenApiDocument } from "../../api/document/mod.ts";

export interface Exchange {
  method: string;
  /** As it was asked for, with or without a query. */
  path: string;
  status: number;
  /** Of the answer's media type, without parameters. */
  type: string | undefined;
  /** Parsed, where it is JSON. */
  body: unknown;
}

/** What of an answer is not as the document says. */
export type Contract = (exchange: Exchange) => string[];

/** Holds answers to the committed document: status, code, media type, and every field of a body, which has no other. */
export async function readContract(): Promise<Contract> {
  const file = new URL("../../docs/openapi.json", import.meta.url);
  const document: OpenApiDocument = JSON.parse(await Deno.readTextFile(file));
  close(document);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, "document");
  const templates = Object.keys(document.paths)
    // A fixed path goes before a parameter: `/users/me` is no user's id.
    .sort((a, b) => a.split("{").length - b.split("{").length)
    .map((template) => ({
      template,
      form: new RegExp(`^${template.replaceAll(/\{\w+\}/g, "[^/]+").replaceAll(".", "\\.")}/?$`),
    }));

  return ({ method, path, status, type, body }) => {
    const { pathname } = new URL(path, "http://api.test");
    const template = templates.find(({ template, form }) =>
      form.test(pathname) && document.paths[template]?.[method.toLowerCase()]
    )?.template;
    const operation = template && document.paths[template]?.[method.toLowerCase()];
    // Where TLS is on, any path leads to its like.
    if (!operation || status === 308) return [];
    const where = `${method} ${template} ${status}`;
    const given = operation.responses[status];
    const name = given?.$ref?.replace("#/components/responses/", "");
    const answer = name === undefined ? given : document.components.responses[name];
    if (!answer) {
      return [`${where}: the document has no such status (${codeOf(body) ?? "no code"})`];
    }
    const media = answer.content?.[type ?? ""];
    if (!media) return [`${where}: the document has no ${type}`];
    const code = codeOf(body);
    if (type === "application/problem+json" && (!code || !(code in media.examples))) {
      return [`${where}: the document does not name ${code}`];
    }
    if (type !== "application/json") return [];
    const at = name === undefined
      ? ["paths", template, method.toLowerCase(), "responses", String(status)]
      : ["components", "responses", name];
    const pointer = [...at, "content", "application/json", "schema"]
      .map((each) => encodeURIComponent(each.replaceAll("~", "~0").replaceAll("/", "~1")));
    const key = `document#/${pointer.join("/")}`;
    const validate = ajv.getSchema(key) ?? ajv.compile({ $ref: key });
    if (validate(body)) return [];
    return (validate.errors ?? []).map((error) =>
      `${where}: ${error.instancePath || "the body"} ${error.message}`
    );
  };
}

/** A client takes fields that it does not know; here one that the document does not name tells what nobody meant to. */
function close(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if ("properties" in value && !("additionalProperties" in value)) {
    Object.assign(value, { additionalProperties: false });
  }
  for (const part of Object.values(value)) close(part);
}

function codeOf(body: unknown): string | undefined {
  return typeof body === "object" && body !== null && "code" in body
    ? String(body.code)
    : undefined;
}
