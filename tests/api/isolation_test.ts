import assert from "node:assert/strict";
import { type Reply, type RequestOptions, type TestApi, testApi } from "../support/api.ts";
import {
  fillPath,
  isPublic,
  type Operation,
  operations,
  pathParameters,
  unknownId,
} from "../support/operations.ts";
import { testDatabase } from "../support/database.ts";
import { statementCounter } from "../support/statement_counter.ts";
import { placesOf, replaceAt } from "../support/schema_values.ts";
import { databaseDigest } from "../support/database_digest.ts";
import { isIdName, type Side, sideOf } from "../support/two_tenants.ts";

/** Everything about an answer but what names the request, how long it took and how many came before. */
function essence(reply: Reply) {
  const headers = Object.fromEntries(
    [...reply.headers].filter(([name]) => !/^(x-request-id|x-response-time|date)$/.test(name))
      .map(([name, value]) => [name, name === "ratelimit" ? value.replaceAll(/\d+/g, "") : value]),
  );
  const id = reply.headers.get("x-request-id") ?? "";
  return { status: reply.status, headers, text: reply.text.replaceAll(id, "") };
}

/** An API whose statements are counted as they go to the database. */
async function countedApi(): Promise<{ api: TestApi; cost: () => Cost } & AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const db = stack.use(await testDatabase());
  const counter = stack.use(await statementCounter(db.url("massacorp_api")));
  const platform = stack.use(await statementCounter(db.url("massacorp_platform")));
  const api = stack.use(
    await testApi({
      inProcess: "counts what one process did",
      db,
      network: "10.10.0.0/20",
      env: {
        DATABASE_URL: counter.url.reveal(),
        DATABASE_PLATFORM_URL: platform.url.reveal(),
      },
    }),
  );
  const kept = stack.move();
  return {
    api,
    cost: () => ({
      statements: counter.statements + platform.statements,
      hashes: api.deps.hasher.stats.hashes,
    }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

interface Cost {
  statements: number;
  hashes: number;
}

/**
 * Asks with what is another tenant's and with what nobody has: one and the same answer at one and the same cost, and
 * nothing changed.
 */
async function assertAlike(
  { api, cost }: { api: TestApi; cost?: () => Cost },
  operation: Operation,
  ask: { theirs: RequestOptions & { path: string }; unknown: RequestOptions & { path: string } },
  about: string,
): Promise<Reply> {
  const before = await databaseDigest(api.db);
  const send = ({ path, ...options }: RequestOptions & { path: string }) =>
    api.request(path, { method: operation.method, ...options });
  const theirs = await send(ask.theirs);
  const unknown = await send(ask.unknown);
  if (cost) {
    // Of the second time: by then all that is kept between requests has been read.
    const costs: Cost[] = [];
    for (const each of [ask.theirs, ask.unknown]) {
      const start = cost();
      await send(each);
      const end = cost();
      costs.push({
        statements: end.statements - start.statements,
        hashes: end.hashes - start.hashes,
      });
    }
    assert.deepEqual(costs[0], costs[1], `${operation.name}: ${about}: what it costs`);
    assert((costs[0]?.statements ?? 0) > 1, `${operation.name}: statements are counted`);
  }
  assert.deepEqual(await databaseDigest(api.db), before, `${operation.name}: ${about}: changed`);
  assert.deepEqual(essence(theirs), essence(unknown), `${operation.name}: ${about}`);
  return theirs;
}

/** The very request, by who may do it with what is his own: proof that nothing but the tenant was in its way. */
async function assertWorks(
  api: TestApi,
  operation: Operation,
  options: RequestOptions & { path: string },
): Promise<void> {
  const { path, ...rest } = options;
  const reply = await api.request(path, { method: operation.method, ...rest });
  const fine = reply.status < 300 || [409, 503].includes(reply.status);
  assert(fine, `${operation.name} as its own tenant: ${reply.status} ${reply.text}`);
}

/** A tenant or a gateway is what the operator acts on, whichever he is in. */
const namesTenants = ({ template }: Operation) =>
  template.startsWith("/api/v1/tenants/{id}") ||
  template.startsWith("/api/v1/wireguard/gateways/{id}");

async function twoTenants(api: TestApi): Promise<{ mine: Side; theirs: Side; all: Operation[] }> {
  const [mine, theirs] = [
    // Told from every row of letters that chance makes.
    await sideOf(api, "alpha-tenant"),
    await sideOf(api, "beta-tenant"),
  ];
  return { mine, theirs, all: await operations(api) };
}

Deno.test("app: N3: another tenant's id in a path is an unknown id, for every operation that takes one", async () => {
  await using counted = await countedApi();
  const { api } = counted;
  const { mine, theirs, all } = await twoTenants(api);
  let tried = 0;
  for (const operation of all) {
    const parameters = pathParameters(operation);
    if (isPublic(operation) || namesTenants(operation) || parameters.length === 0) continue;
    const [own, foreign] = [await mine.pathIds(operation), await theirs.pathIds(operation)];
    const body = mine.bodyFor(operation);
    const as = mine.caller(operation);
    for (const { name, schema } of parameters) {
      const request = (id: string | number | undefined) => ({
        ...as,
        ...(body === undefined ? {} : { body }),
        path: fillPath(operation, { ...own, [name]: id ?? "" }),
      });
      const reply = await assertAlike(counted, operation, {
        theirs: request(foreign[name]),
        unknown: request(unknownId(schema)),
      }, name);
      assert.equal(reply.status, 404, `${operation.name} {${name}}: ${reply.text}`);
      assert.equal(reply.body.code, "not_found");
      tried++;
    }
    await assertWorks(api, operation, {
      ...theirs.caller(operation),
      ...(body === undefined ? {} : { body: theirs.bodyFor(operation) }),
      path: fillPath(operation, foreign),
    });
  }
  assert(tried >= 22, `${tried} paths were tried`);
});

Deno.test("app: N3: another tenant's id in a body is an unknown id, in every field that takes one", async () => {
  await using counted = await countedApi();
  const { api } = counted;
  const { mine, theirs, all } = await twoTenants(api);
  let tried = 0;
  for (const operation of all) {
    const body = mine.bodyFor(operation);
    if (isPublic(operation) || body === undefined) continue;
    const places = placesOf(body).filter((place) => {
      const name = place.findLast((step) => typeof step === "string");
      return name !== undefined && isIdName(name) && !Array.isArray(valueAt(body, place));
    });
    for (const place of places) {
      const name = String(place.findLast((step) => typeof step === "string"));
      const [id] = [theirs.idFor(name)].flat();
      assert(id !== undefined, `${operation.name}: teach two_tenants.ts what ${name} is`);
      const path = fillPath(operation, await mine.pathIds(operation));
      const as = mine.caller(operation);
      const nobodys = typeof id === "number" ? 987_654_321 : unknownId({ format: "uuid" });
      const reply = await assertAlike(counted, operation, {
        theirs: { ...as, path, body: replaceAt(body, place, id) },
        unknown: { ...as, path, body: replaceAt(body, place, nobodys) },
      }, place.join("."));
      assert([404, 422].includes(reply.status), `${operation.name} ${name}: ${reply.text}`);
      await assertWorks(api, operation, { ...as, path, body });
      tried++;
    }
  }
  assert(tried >= 5, `${tried} fields were tried`);
});

function valueAt(value: unknown, place: (string | number)[]): unknown {
  return place.reduce(
    (at: unknown, step) =>
      at !== null && typeof at === "object" ? Reflect.get(at, step) : undefined,
    value,
  );
}

Deno.test("app: N1: no answer shows anything of another tenant, whatever the query names", async () => {
  await using api = await testApi({ network: "10.10.0.0/20" });
  const { mine, theirs, all } = await twoTenants(api);
  const reads = all.filter((operation) => operation.method === "GET" && !isPublic(operation));
  // Of everything that a path can name there are two on their side, so that lists have a second page.
  for (const operation of all) {
    if (isPublic(operation) || namesTenants(operation)) continue;
    await theirs.pathIds(operation);
    await theirs.pathIds(operation);
  }
  const marks = [theirs.persona.slug, theirs.persona.email];
  const clean = (reply: Reply, what: string) => {
    for (const mark of marks) {
      assert(!reply.text.includes(mark), `${what} shows ${mark}: ${reply.text.slice(0, 2000)}`);
    }
  };
  let [pages, filters] = [0, 0];
  for (const operation of reads) {
    // What shows all tenants is for the operator, and shows them by its nature.
    if (operation.permission === "platform.tenants") continue;
    const path = fillPath(operation, await mine.pathIds(operation));
    const as = mine.caller(operation);
    const required = operation.parameters.some(({ name }) => name === "format");
    const query = required ? "format=ndjson&" : "";
    clean(await api.request(`${path}?${query}`, as), operation.name);
    for (const { name, in: where, schema } of operation.parameters) {
      if (where !== "query") continue;
      const id = theirs.idFor(name);
      if (name === "cursor") {
        const other = fillPath(operation, await theirs.pathIds(operation));
        const first = await api.request(`${other}?limit=1`, theirs.caller(operation));
        const cursor = first.body.next_cursor;
        if (cursor === null) continue;
        pages++;
        clean(await api.request(`${path}?cursor=${cursor}`, as), `${operation.name}: a cursor`);
      } else if (isIdName(name)) {
        assert(id !== undefined, `${operation.name}: teach two_tenants.ts what ${name} is`);
        const ask = (value: unknown) => ({ ...as, path: `${path}?${query}${name}=${value}` });
        // An export names its own query in the audit log, as it should.
        if (operation.template.endsWith("/export")) {
          clean(await api.request(ask(id).path, as), operation.name);
          continue;
        }
        const reply = await assertAlike({ api }, operation, {
          theirs: ask(id),
          unknown: ask(unknownId(schema)),
        }, name);
        clean(reply, `${operation.name}: ${name}`);
        filters++;
      }
    }
  }
  assert(pages >= 4 && filters >= 3, `${pages} cursors and ${filters} filters were tried`);
});
