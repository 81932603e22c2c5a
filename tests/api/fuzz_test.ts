import assert from "node:assert/strict";
import fc from "fast-check";
import { loopback, type Reply, type RequestOptions, testApi } from "../support/api.ts";
import {
  fillPath,
  isPublic,
  type Operation,
  operations,
  pathParameters,
  unknownId,
} from "../support/operations.ts";
import { brokenOf, type FieldValue, hostileTexts, valuesOf } from "../support/schema_values.ts";
import { type Contract, readContract } from "../support/contract.ts";
import { fuzzSeed } from "../support/fixed_seed.ts";
import { reviver } from "../support/reviver.ts";
import { type Side, sideOf, takesCode } from "../support/two_tenants.ts";
import { problemTypes } from "../../api/errors.ts";
import { problemSchema } from "../../api/problem.ts";

/** Requests to each operation; `MASSACORP_FUZZ_RUNS=1000 MASSACORP_FUZZ_SEED=$RANDOM` looks further. */
const runs = Number(Deno.env.get("MASSACORP_FUZZ_RUNS") ?? 10);

interface Request {
  path: string;
  body: unknown;
  headers: Record<string, string>;
}

const mostly = <T>(usual: T, otherwise: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 3 }, { arbitrary: otherwise, weight: 2 });

/** Requests for an operation: of the right form, of a wrong one, with what is hostile in every place. */
async function requestsOf(operation: Operation, side: Side): Promise<fc.Arbitrary<Request>> {
  const own = await side.pathIds(operation);
  const ids = pathParameters(operation).map(({ name, schema }) =>
    fc.oneof(
      { arbitrary: fc.constant(String(own[name] ?? unknownId(schema))), weight: 4 },
      { arbitrary: fc.constantFrom(unknownId(schema), ...hostileTexts), weight: 1 },
    ).map((id) => [name, id] as const)
  );
  const path = fc.tuple(...ids).map((pairs) =>
    pairs.reduce(
      (text, [name, id]) => text.replace(`{${name}}`, encodeURIComponent(id.toWellFormed())),
      operation.template,
    )
  );
  const field: FieldValue = (name) => side.idFor(name);
  const queries = operation.parameters.filter((parameter) => parameter.in === "query").map((
    { name, schema },
  ) =>
    fc.option(fc.oneof(valuesOf(schema, field, name), fc.constantFrom(...hostileTexts)), {
      freq: 2,
    }).map((value) => [name, value] as const)
  );
  const query = mostly(
    "",
    fc.tuple(...queries).map((pairs) =>
      pairs.filter(([, value]) => value !== null).map(([name, value]) =>
        `${name}=${encodeURIComponent(String(value).toWellFormed())}`
      ).join("&")
    ),
  );
  const body = operation.body
    ? fc.oneof(
      fc.constant(null).map(() => side.bodyFor(operation)),
      valuesOf(operation.body, field),
      brokenOf(operation.body, field),
    )
    : fc.constant(undefined);
  const headers = mostly<Record<string, string>>(
    {},
    fc.record({
      "idempotency-key": fc.constantFrom("once", "x".repeat(300), "\u00e9", " "),
      "accept": fc.constantFrom("text/plain", "image/png", "image/svg+xml", "x/y", ";;;"),
      "x-request-id": fc.constantFrom("abcdefgh", "x", "'\"<>"),
      "user-agent": fc.constantFrom("x".repeat(3000), "\u00ff", "'; --"),
    }, { requiredKeys: [] }),
  );
  return fc.record({ path, query, body, headers }).map(({ path, query, body, headers }) => ({
    path: query === "" ? path : `${path}?${query}`,
    body,
    headers,
  }));
}

/** Whatever was sent, an answer is one that the contract has. */
function assertInContract(
  contract: Contract,
  operation: Operation,
  sent: Request,
  reply: Reply,
): void {
  const about = `${operation.name} ${JSON.stringify(sent).slice(0, 2000)}: ${
    reply.text.slice(0, 500)
  }`;
  assert(reply.status !== 500, about);
  assert(reply.headers.has("x-request-id"), about);
  // Of nginx, where it stands in front: a path that it cannot read never comes here.
  if (reply.status === 400 && reply.body?.code === "malformed_request") return;
  const type = reply.headers.get("content-type")?.split(";")[0];
  const { status, body } = reply;
  // An id can lead to another operation: the empty one to the list.
  const { path } = sent;
  const { method } = operation;
  assert.deepEqual(contract({ method, path, status, type, body }), [], about);
  if (reply.status < 400) return;
  assert.equal(reply.headers.get("content-type"), "application/problem+json", about);
  const problem = problemSchema.parse(reply.body);
  const known = Object.entries(problemTypes).find(([code]) => code === problem.code)?.[1];
  assert.equal(known?.status, reply.status, about);
  if (reply.status === 422) assert(problem.code !== "invalid_input" || problem.errors, about);
  assert(
    !/postgres|constraint|relation |syntax error|at file:|node_modules/i.test(reply.text),
    about,
  );
}

Deno.test("app: D3: whatever is sent to an operation, the answer is one of the contract and never a 500", async () => {
  await using api = await testApi({ network: "10.10.0.0/16" });
  const side = await sideOf(api, "acme");
  const { persona } = side;
  const revive = await reviver(api, persona);
  const all = await operations(api);
  const contract = await readContract();
  const failed: string[] = [];
  for (const [n, operation] of all.entries()) {
    await revive();
    const statuses = new Set<number>();
    const good: Request = {
      path: fillPath(operation, await side.pathIds(operation)) +
        (operation.template.endsWith("/export") && operation.method === "GET" ? "?format=csv" : ""),
      body: side.bodyFor(operation),
      headers: {},
    };
    await fc.assert(
      fc.asyncProperty(await requestsOf(operation, side), async (request) => {
        const as: RequestOptions = isPublic(operation)
          ? { via: loopback, tenant: persona.slug }
          : side.caller(operation);
        const reply = await api.request(request.path, {
          ...as,
          method: operation.method,
          headers: request.headers,
          ...(request.body === undefined ? {} : { body: request.body }),
        });
        statuses.add(reply.status);
        assertInContract(contract, operation, request, reply);
        if ([401, 403].includes(reply.status)) await revive();
      }),
      { seed: fuzzSeed + n, numRuns: runs, examples: [[good]] },
    );
    const done = [...statuses].some((status) => status < 300 || [409, 503].includes(status));
    if (!isPublic(operation) && !takesCode(operation) && !done) {
      failed.push(`${operation.name} ${[...statuses]}`);
    }
  }
  // It is a test of operations, not of their doors: each did what it is for at least once.
  assert.deepEqual(failed, []);
});
