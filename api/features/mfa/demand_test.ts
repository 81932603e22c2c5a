import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import { equip } from "../../../tests/support/totp.ts";

/** With a session that showed its factor just now, and with one that did not. */
async function withoutStepUp<T>(api: TestApi, work: () => Promise<T>): Promise<T> {
  const at = new Date(api.clock.now());
  await api.db.owner`update sessions set stepped_up_at = null`;
  const result = await work();
  await api.db.owner`update sessions set stepped_up_at = ${at}`;
  return result;
}

Deno.test("mfa: to demand a second factor of fewer takes a step-up, and to demand it of more does not", async () => {
  await using api = await testApi();
  const acme = await equip(api, await adminOf(api, "acme"));
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const send = (who: Persona, method: string, path: string, body?: unknown) =>
    api.request(`/api/v1${path}`, {
      via: loopback,
      token: who.token,
      method,
      ...(body === undefined ? {} : { body }),
    });
  const role = (mfa_required: boolean) => ({ name: "desk", permissions: [], mfa_required });
  const made = await send(acme, "POST", "/roles", role(false));
  const path = `/roles/${made.body.id}`;
  type Call = [method: string, path: string, body?: unknown];
  const ends = (inMs: number) => new Date(api.clock.now() + inMs).toISOString();
  const current = (mfa_required: string): Call => ["PATCH", "/tenants/current", { mfa_required }];

  await withoutStepUp(api, async () => {
    const raises: Call[] = [current("admins"), current("all"), ["PUT", path, role(true)]];
    for (const raise of raises) {
      assert.equal((await send(acme, ...raise)).status, 200, raise.join());
    }
    const given = await send(acme, "POST", `/users/${bob.userId}/roles`, { role_id: made.body.id });
    assert.equal(given.status, 201, given.text);
    const before = await databaseDigest(api.db);
    const lower: Call[] = [
      current("admins"),
      current("off"),
      ["PUT", path, role(false)],
      ["DELETE", `/users/${bob.userId}/roles/${made.body.id}`],
      ["POST", `/users/${bob.userId}/roles`, { role_id: made.body.id, expires_at: ends(1) }],
      ["PUT", `/users/${bob.userId}/mfa`, { required: false }],
    ];
    for (const each of lower) {
      const reply = await send(acme, ...each);
      assert.deepEqual([reply.status, reply.body.code], [403, "step_up_required"], each.join());
    }
    assert.deepEqual(await databaseDigest(api.db), before);
    // What lowers nothing goes through.
    const other = await send(acme, "PATCH", "/tenants/current", {
      mfa_required: "all",
      session_limit: 9,
    });
    assert.equal(other.status, 200, other.text);
  });
  // No key of an API shows a factor.
  const { key } = (await send(acme, "POST", "/api-keys", {
    name: "settings",
    scopes: ["tenant.read", "tenant.write"],
  })).body;
  const byKey = await api.request("/api/v1/tenants/current", {
    via: loopback,
    method: "PATCH",
    headers: { "X-API-Key": key },
    body: { mfa_required: "off" },
  });
  assert.equal(byKey.body.code, "step_up_required");
  assert.equal((await send(acme, ...current("off"))).status, 200);
  assert.equal((await send(acme, "PUT", path, role(false))).status, 200);
});

Deno.test("mfa: an earlier end of a role that demands a second factor is asked what taking it is", async () => {
  await using api = await testApi();
  const acme = await equip(api, await adminOf(api, "acme"));
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const as = { via: loopback, token: acme.token };
  const role = await api.request("/api/v1/roles", {
    ...as,
    body: { name: "desk", permissions: [], mfa_required: true },
  });
  const { permissions } =
    (await api.request("/api/v1/auth/me", { via: loopback, token: bob.token }))
      .body;
  const { key } = (await api.request("/api/v1/api-keys", {
    ...as,
    body: { name: "roles", scopes: ["roles.write", ...permissions] },
  })).body;
  const hour = 3_600_000;
  const give = (
    to: Persona,
    hours: number | null,
    by: { token: string } | { headers: { "X-API-Key": string } } = as,
  ) =>
    api.request(`/api/v1/users/${to.userId}/roles`, {
      via: loopback,
      ...by,
      body: {
        role_id: role.body.id,
        expires_at: hours === null ? null : new Date(api.clock.now() + hours * hour).toISOString(),
      },
    });
  const answers = async (...args: Parameters<typeof give>) => {
    const { status, body } = await give(...args);
    return status === 201 ? status : `${status} ${body.code}`;
  };
  const byKey = { headers: { "X-API-Key": key } };

  await withoutStepUp(api, async () => {
    // To demand it of somebody at all, for a while too, and for longer.
    for (const hours of [1, 2, null]) assert.equal(await answers(bob, hours), 201);
    assert.equal(await answers(acme, null), 201);
    const before = await databaseDigest(api.db);
    assert.equal(await answers(bob, 1), "403 step_up_required");
    assert.equal(await answers(acme, 1), "403 step_up_required");
    assert.deepEqual(await databaseDigest(api.db), before);
  });
  // Use of a key is written every few seconds.
  const except = ["api_key_usage", "api_keys"];
  const before = await databaseDigest(api.db, { except });
  assert.equal(await answers(bob, 1, byKey), "403 step_up_required");
  // As of PUT /users/{id}/mfa: what is demanded of oneself is somebody else's to say.
  assert.equal(await answers(acme, 1), "403 forbidden");
  const own = await api.request(`/api/v1/users/${acme.userId}/roles/${role.body.id}`, {
    ...as,
    method: "DELETE",
  });
  assert.deepEqual([own.status, own.body.code], [403, "forbidden"]);
  assert.deepEqual(await databaseDigest(api.db, { except }), before);
  assert.equal(await answers(bob, 1), 201);
});
