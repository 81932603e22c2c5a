import assert from "node:assert/strict";
import { adminOf, as, loopback, type RequestOptions, testApi, userOf } from "../support/api.ts";
import { databaseDigest } from "../support/database_digest.ts";
import {
  fillPath,
  isPublic,
  type Operation,
  operations,
  type Schema,
} from "../support/operations.ts";
import { type Side, sideOf } from "../support/two_tenants.ts";

/** What whoever wants more would set, in the forms in which programs name it; and what an object has of itself. */
const coveted = [
  ...["id", "tenant_id", "tenantId", "tenant", "user_id", "userId", "owner_id", "peer_id"],
  ...[
    "role",
    "roles",
    "role_id",
    "roleIds",
    "permissions",
    "scopes",
    "is_admin",
    "isAdmin",
    "admin",
  ],
  ...["is_platform", "system", "status", "enabled", "kind", "peer_quota", "address", "actor"],
  ...["password_hash", "passwordHash", "email_verified_at", "mfa_required", "stepped_up_at"],
  ...["created_at", "expires_at", "ended_at", "revoked_at", "deleted_at", "invited_by", "version"],
  ...["constructor", "prototype", "__proto__", "toString", "valueOf", "hasOwnProperty", "toJSON"],
];

type Place = (string | number)[];

/** Every object that a body may have, and the fields that it has there. */
function objectsOf(schema: Schema, at: Place = []): { place: Place; fields: string[] }[] {
  const parts = [...schema.anyOf ?? [], ...schema.oneOf ?? [], ...schema.allOf ?? []];
  const properties = Object.entries(schema.properties ?? {});
  return [
    ...(schema.properties ? [{ place: at, fields: properties.map(([name]) => name) }] : []),
    ...properties.flatMap(([name, part]) => objectsOf(part, [...at, name])),
    ...(schema.items ? objectsOf(schema.items, [...at, 0]) : []),
    ...parts.flatMap((part) => objectsOf(part, at)),
  ];
}

/** The body with more fields in the object at a place, which is made where there is none. */
function withMore(value: unknown, [first, ...rest]: Place, more: Record<string, unknown>): unknown {
  // By defining and never by setting: `__proto__` is a field like others then.
  if (first === undefined) {
    return Object.fromEntries([...Object.entries(Object(value)), ...Object.entries(more)]);
  }
  if (typeof first === "number") {
    const [item = {}, ...others] = Array.isArray(value) ? value : [];
    return [withMore(item, rest, more), ...others];
  }
  const fields = new Map(Object.entries(Object(value)));
  fields.set(
    first,
    withMore(fields.get(first) ?? (typeof rest[0] === "number" ? [] : {}), rest, more),
  );
  return Object.fromEntries(fields);
}

/** Sends a text as the body of an operation, as whoever may do it. */
async function sendTo(operation: Operation, side: Side) {
  const path = fillPath(operation, await side.pathIds(operation));
  const who: RequestOptions = isPublic(operation)
    ? { via: loopback, tenant: side.persona.slug }
    : side.caller(operation);
  return (raw: string) => ({ path, ...who, method: operation.method, raw });
}

Deno.test("app: D3: no body sets what its operation does not name, at whatever depth", async () => {
  await using api = await testApi({ network: "10.10.0.0/20" });
  const side = await sideOf(api, "acme");
  const theirs = await adminOf(api, "other");
  let objects = 0;
  for (const operation of await operations(api)) {
    if (!operation.body) continue;
    const request = await sendTo(operation, side);
    const body = side.bodyFor(operation);
    const before = await databaseDigest(api.db);
    for (const { place, fields } of objectsOf(operation.body)) {
      objects++;
      const names = coveted.filter((name) => !fields.includes(name));
      for (const value of [theirs.tenantId, true, { is_admin: true, tenant_id: theirs.tenantId }]) {
        const more = Object.fromEntries(names.map((name) => [name, value]));
        const { path, ...options } = request(JSON.stringify(withMore(body, place, more)));
        const reply = await api.request(path, options);
        const about = `${operation.name} ${place.join(".")}: ${reply.text.slice(0, 500)}`;
        assert.deepEqual([reply.status, reply.body.code], [422, "invalid_input"], about);
        const unknown = reply.body.errors.filter(({ code }: { code: string }) =>
          code === "unknown_field"
        );
        assert.deepEqual(
          unknown.map((error: { path: string }) => error.path).toSorted(),
          names.map((name) => [...place, name].join(".")).toSorted(),
          about,
        );
      }
    }
    assert.deepEqual(await databaseDigest(api.db), before, operation.name);
  }
  assert(objects >= 55, `${objects} objects in the bodies of the document`);
  // Nothing got onto what every object has.
  assert.deepEqual([Reflect.get({}, "is_admin"), Reflect.get([], "tenant_id")], [
    undefined,
    undefined,
  ]);
});

Deno.test("app: D3: of a field that stands in a body twice the last counts, whoever looks at it", async () => {
  await using api = await testApi({ network: "10.10.0.0/20" });
  const side = await sideOf(api, "acme");
  for (const operation of await operations(api)) {
    const body = side.bodyFor(operation);
    if (typeof body !== "object" || body === null) continue;
    const request = await sendTo(operation, side);
    const before = await databaseDigest(api.db);
    for (const name of Object.keys(body)) {
      const good = JSON.stringify(body).slice(0, -1);
      const { path, ...options } = request(`${good},${JSON.stringify(name)}:[[]]}`);
      const reply = await api.request(path, options);
      const about = `${operation.name} ${name}: ${reply.text.slice(0, 500)}`;
      assert.deepEqual([reply.status, reply.body.code], [422, "invalid_input"], about);
      assert(
        reply.body.errors.every(({ path }: { path: string }) => path.split(".")[0] === name),
        about,
      );
    }
    assert.deepEqual(await databaseDigest(api.db), before, operation.name);
  }

  // A manager makes users, and no admins.
  const manager = await userOf(api, side.persona, { email: "m@acme.example", role: "manager" });
  const create = (raw: string) =>
    api.request("/api/v1/users", as(manager, { method: "POST", raw }));
  const before = await databaseDigest(api.db, { except: ["audit_log"] });
  for (const name of ['"role"', '"r\\u006fle"']) {
    const reply = await create(`{"email":"eve@acme.example","role":"user",${name}:"admin"}`);
    assert.deepEqual([reply.status, reply.body.code], [403, "grant_exceeds_own"], reply.text);
  }
  assert.deepEqual(await databaseDigest(api.db, { except: ["audit_log"] }), before);
  const made = await create(
    '{"role":"admin","email":"eve@acme.example","email":"bob@acme.example","role":"user"}',
  );
  assert.equal(made.status, 201, made.text);
  assert.deepEqual([made.body.user.email, made.body.user.roles], ["bob@acme.example", ["user"]]);
  const entries = await api.db.owner<{ details: string }[]>`
    select details::text as details from audit_log where action = 'user.create' and target_id = ${
    String(made.body.user.id)
  }`;
  assert.equal(entries.length, 1);
  assert.doesNotMatch(String(entries[0]?.details), /admin|eve/);
});
