import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { problemTypes } from "../errors.ts";
import { committedFiles, makeDocument } from "./committed.ts";
import { lint } from "./lint.ts";
import type { OpenApiDocument } from "./mod.ts";

const document = await makeDocument();

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation }))
);

/** Whether a value fits the schema at a place of the document, references followed. */
function validator() {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(document, "document");
  return (value: unknown, ...place: string[]): string[] => {
    const pointer = place.map((each) =>
      encodeURIComponent(each.replaceAll("~", "~0").replaceAll("/", "~1"))
    );
    const validate = ajv.compile({ $ref: `document#/${pointer.join("/")}` });
    if (validate(value)) return [];
    return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
  };
}

Deno.test("docs/openapi.json and the client's types: are what the code makes now (`deno task openapi` writes them)", async () => {
  for (const [path, text] of Object.entries(await committedFiles(document))) {
    const committed = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    // Compared by hand: the difference of two texts of this size is of no use to anybody.
    assert.ok(committed === text, `${path} is not current: run \`deno task openapi\``);
  }
});

Deno.test("openapi: every operation has a name of its own, says what it asks for, and shows request and answers that are valid", () => {
  const faults: string[] = [];
  const invalid = validator();
  for (const { path, method, operation } of operations) {
    const where = `${method.toUpperCase()} ${path}`;
    const { requestBody, responses, description } = operation;
    const permission = operation["x-permission"];
    if (!["public", "authenticated"].includes(permission)) {
      assert.match(description, new RegExp(`Permission: \`${permission.replace(".", "\\.")}\``));
    }
    assert.equal(/Needs a step-up within/.test(description), operation["x-step-up"], where);
    for (const [type, { examples }] of Object.entries(requestBody?.content ?? {})) {
      if (Object.keys(examples).length === 0) faults.push(`${where}: no example of a request`);
      for (const { value } of Object.values(examples)) {
        const at = ["paths", path, method, "requestBody", "content", type, "schema"];
        faults.push(...invalid(value, ...at).map((fault) => `${where} request: ${fault}`));
      }
    }
    const done = Object.entries(responses).filter(([status]) => status < "400");
    if (done.length === 0) faults.push(`${where}: never succeeds`);
    for (const [status, { content = {} }] of done) {
      for (const [type, { examples }] of Object.entries(content)) {
        if (Object.keys(examples).length === 0) faults.push(`${where} ${status}: no example`);
        for (const { value } of Object.values(examples)) {
          const at = ["paths", path, method, "responses", status, "content", type, "schema"];
          faults.push(...invalid(value, ...at).map((fault) => `${where} ${status}: ${fault}`));
        }
      }
    }
  }
  assert.deepEqual(faults, []);
  const ids = operations.map(({ operation }) => operation.operationId);
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length >= 99);
});

Deno.test("openapi: every list is paged", () => {
  const lists = operations.filter(({ method }) => method === "get").flatMap(({ path, operation }) =>
    Object.values(operation.responses["200"]?.content ?? {}).flatMap(({ examples }) =>
      Object.values(examples).flatMap(({ value }) =>
        value !== null && typeof value === "object" && "items" in value ? [{ path, value }] : []
      )
    )
  );
  assert.ok(lists.length > 10);
  for (const { path, value } of lists) assert.ok("next_cursor" in value, path);
});

Deno.test("openapi: every refusal names its codes, each with the status that it always has and a valid example", () => {
  const invalid = validator();
  const { responses, examples } = document.components;
  for (const { path, method, operation } of operations) {
    for (const [status, { $ref, content }] of Object.entries(operation.responses)) {
      if (status < "400" || content) continue;
      const answer = responses[$ref?.replace("#/components/responses/", "") ?? ""];
      const codes = Object.keys(answer?.content?.["application/problem+json"]?.examples ?? {});
      assert.ok(codes.length > 0, `${method} ${path} ${status}`);
      for (const code of codes) {
        const known = Object.entries(problemTypes).find(([name]) => name === code)?.[1];
        assert.equal(String(known?.status), status, `${method} ${path}: ${code}`);
      }
    }
  }
  for (const [code, { value }] of Object.entries(examples)) {
    assert.deepEqual(invalid(value, "components", "schemas", "Problem"), [], code);
  }
  const never = Object.keys(problemTypes).filter((code) => !(code in examples));
  assert.deepEqual(never, [], "codes that no operation answers");
});

Deno.test("openapi: a field that may be left out is not required, and patterns are read without flags", () => {
  const { schema } = document.paths["/api/v1/wireguard/peers"]?.["post"]?.requestBody
    ?.content["application/json"] ?? {};
  assert.deepEqual(schema?.required, ["name"]);
  assert.equal(schema?.additionalProperties, false);
  const name = new RegExp(schema?.properties?.["name"]?.pattern ?? "");
  assert.ok(name.test("ada's laptop, cP{}") && !name.test("a\u0007") && !name.test(""));
  assert.doesNotMatch(JSON.stringify(document), /\$\/u"|\\p\{/);
});

Deno.test("openapi: no secret stands in an example, and addresses are those of documentation or of the tunnel", () => {
  const text = JSON.stringify(operations.map(({ operation }) => operation));
  assert.doesNotMatch(text, /eyJ[\w-]{10,}\.eyJ|PrivateKey = [A-Za-z0-9+/]{43}=/);
  const addresses = text.match(/\b\d{1,3}(\.\d{1,3}){3}\b/g) ?? [];
  const allowed =
    /^(10\.10\.0\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.|127\.0\.0\.1$|192\.168\.)/;
  assert.deepEqual(addresses.filter((address) => !allowed.test(address)), []);
});

Deno.test("openapi: Spectral finds nothing by the rules of OpenAPI and OWASP but what is waived with a reason", async () => {
  const { open, unused } = await lint(document);
  assert.deepEqual(open, []);
  assert.deepEqual(unused.map(({ rule, where }) => `${rule} ${where}`), []);
});

Deno.test("openapi: Spectral finds a limit that is gone, and an operation that says nothing of a rate limit", async () => {
  const peers = structuredClone(document.paths["/api/v1/wireguard/peers"]);
  assert.ok(peers?.["post"]);
  delete peers["post"].responses["429"];
  delete peers["post"].requestBody?.content["application/json"]?.schema.properties?.["dns"]
    ?.maxItems;
  const broken: OpenApiDocument = { ...document, paths: { "/api/v1/wireguard/peers": peers } };
  const { open } = await lint(broken);
  const rules = new Set(open.map(({ rule }) => rule));
  assert.ok(rules.has("owasp:api4:2023-rate-limit-responses-429"), [...rules].join());
  assert.ok(rules.has("owasp:api4:2023-array-limit"), [...rules].join());
});
