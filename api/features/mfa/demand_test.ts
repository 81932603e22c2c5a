import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/snapshot.ts";

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
  const acme = await adminOf(api, "acme");
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
