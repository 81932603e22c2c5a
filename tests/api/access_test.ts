import assert from "node:assert/strict";
import { decodeJwt } from "jose";
import { makeApiKey } from "../../api/auth/api_key.ts";
import { permissions } from "../../api/auth/permissions.ts";
import { asTenantId } from "../../api/database/tenancy.ts";
import {
  adminOf,
  logIn,
  loopback,
  peerOf,
  type Persona,
  type RequestOptions,
  superadminOf,
  type TestApi,
  testApi,
  userOf,
} from "../support/api.ts";
import { isPlatforms, isPublic, operations } from "../support/operations.ts";
import { assertRefused } from "../support/refusals.ts";

Deno.test("app: every operation declares its permission", async () => {
  await using api = await testApi();
  const known = new Set<string>([...permissions, "authenticated", "public"]);
  const all = await operations(api);
  for (const { name, permission } of all) assert(known.has(permission), `${name}: ${permission}`);
  const open = all.filter((operation) => isPublic(operation)).map(({ name }) => name);
  assert.deepEqual(open.sort(), [
    "GET /",
    "GET /.well-known/jwks.json",
    "GET /api/v1/info",
    "GET /api/v1/password-reset/validate/{token}",
    "GET /health",
    "GET /ready",
    "POST /api/v1/auth/login",
    "POST /api/v1/auth/login/mfa",
    "POST /api/v1/auth/refresh",
    "POST /api/v1/auth/register",
    "POST /api/v1/auth/verify-email",
    "POST /api/v1/auth/verify-email/resend",
    "POST /api/v1/auth/verify-token",
    "POST /api/v1/password-reset/confirm",
    "POST /api/v1/password-reset/request",
    "POST /api/v1/users/invitations/accept",
    "POST /api/v1/wireguard/deliveries",
  ]);
});

/** Credentials that are none, by what is wrong with them. */
async function badCredentials(api: TestApi): Promise<Record<string, RequestOptions>> {
  const early = await adminOf(api, "acme");
  const ended = await logIn(api, early);
  await api.request("/api/v1/auth/logout", { method: "POST", token: ended.token });
  api.clock.advance(api.deps.tokens.accessSeconds * 1000 + 1000);
  const acme = await logIn(api, early);
  const away = await userOf(api, acme, { email: "away@acme.example" });
  await api.db.owner`
    update users set status = 'inactive' where tenant_id = ${away.tenantId} and id = ${away.userId}`;
  const closed = await adminOf(api, "closed");
  await api.db.owner`update tenants set status = 'suspended' where id = ${closed.tenantId}`;
  const other = await adminOf(api, "other");
  const subject = { tenantId: asTenantId(acme.tenantId), userId: acme.userId };
  const { sid } = decodeJwt<{ sid: string }>(acme.token);
  const mint = (session: { tenantId: number; userId: number; sessionId: string }) =>
    api.deps.tokens.mintAccess({
      ...session,
      tenantId: asTenantId(session.tenantId),
      email: acme.email,
    });
  const pending = { ...subject, id: crypto.randomUUID(), seconds: 300 };
  return {
    "no token": {},
    "an empty token": { headers: { authorization: "Bearer " } },
    "another scheme": { headers: { authorization: `Basic ${btoa("admin:admin")}` } },
    "not a token": { token: "abc" },
    "two tokens": { headers: { authorization: `Bearer ${acme.token}, Bearer ${acme.token}` } },
    "a token and a key": { token: acme.token, headers: { "x-api-key": "mc_x_y" } },
    "a refresh token": { token: acme.refreshToken },
    "the token of a log-in without its second factor": {
      token: await api.deps.tokens.mintPending("mfa_session", pending),
    },
    "a cut token": { token: acme.token.slice(0, -1) },
    "an expired token": { token: early.token },
    "a token of an ended session": { token: ended.token },
    "an inactive user's token": { token: away.token },
    "a suspended tenant's token": { token: closed.token },
    "another tenant in a token of ours": {
      token: await mint({ ...subject, tenantId: other.tenantId, sessionId: sid }),
    },
    "another user's session in a token of ours": {
      token: await mint({ ...subject, userId: away.userId, sessionId: sid }),
    },
    "a session of nobody's": { token: await mint({ ...subject, sessionId: crypto.randomUUID() }) },
    "a tenant instead of a token": { tenant: "acme" },
  };
}

Deno.test("app: A1, N3: every operation that is not public refuses whoever is not proven", async () => {
  await using api = await testApi();
  const credentials = await badCredentials(api);
  for (const operation of await operations(api)) {
    if (isPublic(operation)) continue;
    await assertRefused(api, operation, credentials, { status: 401, code: "invalid_token" });
  }
});

Deno.test("app: every operation that needs a permission refuses a user, and a key, without it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const keyWith = keysOf(api, acme);
  for (const operation of await operations(api)) {
    if (isPublic(operation)) continue;
    const scopes = permissions.filter((permission) =>
      permission !== operation.permission && !permission.startsWith("platform.")
    );
    const key = await keyWith(scopes);
    const body = operation.body ? { body: {} } : {};
    await assertRefused(api, operation, {
      ...(operation.permission === "authenticated"
        ? {}
        : { "a user": { token: bob.token, ...body } }),
      "a key": { headers: { "x-api-key": key }, ...body },
    }, { status: 403, code: "forbidden", writes: usage });
  }
});

/** What is written every few seconds, whatever else happens: the use of keys. */
const usage = ["api_key_usage", "api_keys"];

/** Makes keys of that user, one for each set of scopes, past the API: what is tested is not how keys are made. */
function keysOf(api: TestApi, who: Persona): (scopes: string[]) => Promise<string> {
  const made = new Map<string, string>();
  return async (scopes) => {
    const known = made.get(scopes.join());
    if (known) return known;
    const key = makeApiKey();
    const id = crypto.randomUUID();
    await api.db.owner`
      insert into api_keys (tenant_id, id, user_id, name, prefix, secret_digest)
      values (${who.tenantId}, ${id}, ${who.userId}, 'key', ${key.prefix}, ${key.digest})`;
    await api.db.owner`
      insert into api_key_scopes (tenant_id, api_key_id, permission)
      select ${who.tenantId}, ${id}, unnest(${scopes}::text[])`;
    made.set(scopes.join(), key.text);
    return key.text;
  };
}

Deno.test("app: what asks for a step-up refuses a session that did not, and every key", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const key = await keysOf(api, acme)(
    permissions.filter((name) => !name.startsWith("platform.")),
  );
  const platform = await superadminOf(api);
  await api.db.owner`update sessions set stepped_up_at = null`;
  const asking = (await operations(api)).filter((operation) => operation.asksForStepUp);
  assert(asking.length >= 2);
  for (const operation of asking) {
    const body = operation.body ? { body: {} } : {};
    const { token } = isPlatforms(operation) ? platform : acme;
    // Use of the key of the round before may be written meanwhile.
    await assertRefused(api, operation, { "": { token, ...body } }, {
      status: 403,
      code: "step_up_required",
      writes: usage,
    });
    const byKey = operation.takesApiKey && !isPlatforms(operation)
      ? "step_up_required"
      : "forbidden";
    await assertRefused(api, operation, { "": { headers: { "x-api-key": key }, ...body } }, {
      status: 403,
      code: byKey,
      writes: usage,
    });
  }
});

Deno.test("app: what is the platform's is for the operator, whatever a tenant's admin holds", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  for (const operation of await operations(api)) {
    if (!operation.permission.startsWith("platform.")) continue;
    await assertRefused(api, operation, { "": { token: acme.token } }, {
      status: 403,
      code: "forbidden",
    });
  }
});

Deno.test("app: calls without a token must name a tenant", async () => {
  await using api = await testApi();
  const reply = await api.request("/api/v1/auth/login", {
    via: loopback,
    body: { email: "a@b.example", password: "x" },
  });
  assert.equal(reply.status, 400);
  assert.equal(reply.body.code, "tenant_required");
});

Deno.test("app: a header that names another tenant than the token is refused on every operation", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await adminOf(api, "other");
  for (const operation of await operations(api)) {
    if (isPublic(operation)) continue;
    const tenants = ["other", "nowhere", "4711"];
    await assertRefused(
      api,
      operation,
      Object.fromEntries(tenants.map((tenant) => [tenant, { token: acme.token, tenant }])),
      { status: 403, code: "tenant_mismatch" },
    );
  }
});

Deno.test("app: the operator works in the tenant it names, and in none it does not", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await peerOf(api, acme);
  await adminOf(api, "other");
  const list = (tenant?: string) =>
    api.request("/api/v1/wireguard/peers", tenant === undefined ? {} : { tenant });
  assert.equal((await list("acme")).body.items.length, 1);
  assert.equal((await list("other")).body.items.length, 0);
  assert.equal((await list()).body.code, "tenant_required");
  assert.equal((await list("nowhere")).status, 404);
});
