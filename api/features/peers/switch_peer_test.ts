import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { purgeTombstones } from "../../../tests/support/database.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";
import type { ReconcileResult } from "../../../wgd/protocol.ts";

const own = "/api/v1/wireguard/me/peers";
const all = "/api/v1/wireguard/peers";

async function world(options: { inProcess?: string } = {}) {
  const api = await testApi(options);
  const admin = await adminOf(api, "acme");
  const bob = await userOf(api, admin, { email: "bob@acme.example" });
  const ask = (who: Persona, path: string, more: RequestOptions = {}) =>
    api.request(path, { via: loopback, token: who.token, ...more });
  return {
    api,
    /** Each does it on the way that he has to peers. */
    byAdmin: (path: string, more?: RequestOptions) => ask(admin, `${all}/${path}`, more),
    byOwner: (path: string, more?: RequestOptions) => ask(bob, `${own}/${path}`, more),
    async peer(more: Record<string, unknown> = {}): Promise<string> {
      const made = await ask(bob, own, { body: { name: "phone", ...more } });
      assert.equal(made.status, 201, made.text);
      return made.body.peer.id;
    },
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

const post = { method: "POST" };

Deno.test("disable: what an admin disabled, its owner does not enable, by no way of self-service", async () => {
  await using given = await world();
  const { api, byAdmin, byOwner } = given;
  const id = await given.peer();
  assert.equal((await byAdmin(`${id}/disable`, post)).status, 202);
  assert.equal((await byAdmin(id)).body.disabled_by, "admin");
  // Disabled once more by the owner, it is not the owner's decision for that.
  assert.equal((await byOwner(`${id}/disable`, post)).status, 202);
  const before = await databaseDigest(api.db);
  const refused = await byOwner(`${id}/enable`, post);
  assert.equal(refused.status, 403);
  assert.equal(refused.body.code, "set_by_admin");
  assert.deepEqual(await databaseDigest(api.db), before);
  const rotated = await byOwner(`${id}/rotate`, { body: {} });
  assert.equal(rotated.status, 200, rotated.text);
  const renamed = await byOwner(id, { method: "PATCH", body: { name: "renamed" } });
  for (const { enabled, disabled_by } of [rotated.body.peer, renamed.body]) {
    assert.deepEqual({ enabled, disabled_by }, { enabled: false, disabled_by: "admin" });
  }
  const enabled = await byAdmin(`${id}/enable`, post);
  assert.deepEqual([enabled.body.enabled, enabled.body.disabled_by], [true, null]);
});

Deno.test("disable: what the owner disabled he enables, unless an admin disabled it as well", async () => {
  await using given = await world();
  const { byAdmin, byOwner } = given;
  const id = await given.peer();
  await byOwner(`${id}/disable`, post);
  assert.equal((await byAdmin(id)).body.disabled_by, "owner");
  assert.equal((await byOwner(`${id}/enable`, post)).body.enabled, true);
  await byOwner(`${id}/disable`, post);
  await byAdmin(`${id}/disable`, post);
  assert.equal((await byOwner(`${id}/enable`, post)).body.code, "set_by_admin");
});

Deno.test("update: an expiry that an admin set the owner brings forward, and neither lifts nor puts off", async () => {
  await using given = await world();
  const { api, byAdmin, byOwner } = given;
  const id = await given.peer();
  const inDays = (days: number) => new Date(api.clock.now() + days * 86_400_000).toISOString();
  const set = (by: typeof byAdmin, expires_at: string | null) =>
    by(id, { method: "PATCH", body: { expires_at } });
  assert.equal((await set(byAdmin, inDays(10))).body.expiry_set_by, "admin");
  const before = await databaseDigest(api.db);
  for (const asked of [null, inDays(11), "9999-12-31T23:59:59Z"]) {
    assert.equal((await set(byOwner, asked)).body.code, "set_by_admin", String(asked));
  }
  assert.deepEqual(await databaseDigest(api.db), before);
  const nearer = await set(byOwner, inDays(3));
  assert.deepEqual([nearer.body.expires_at, nearer.body.expiry_set_by], [inDays(3), "admin"]);
  assert.equal((await set(byOwner, null)).status, 403, "brought forward, it is the admin's still");
  assert.equal((await set(byAdmin, null)).body.expiry_set_by, null);
  assert.equal((await set(byOwner, inDays(1))).body.expiry_set_by, "owner");
  assert.equal((await set(byOwner, inDays(2))).status, 200);
  assert.equal((await set(byOwner, null)).body.expires_at, null);
});

Deno.test("create: an expiry is whose that set it", async () => {
  await using given = await world();
  const { api, byAdmin } = given;
  const expires_at = new Date(api.clock.now() + 3_600_000).toISOString();
  const id = await given.peer({ expires_at });
  assert.equal((await byAdmin(id)).body.expiry_set_by, "owner");
  const [row] = await api.db.owner<{ user_id: number }[]>`select user_id from wg_peers`;
  const made = await byAdmin("", { body: { name: "x", user_id: row?.user_id, expires_at } });
  assert.equal(made.body.peer.expiry_set_by, "admin");
  assert.equal(made.body.peer.disabled_by, null);
});

/** Answers for a daemon once, at the moment when it would be asked; there is none in these tests. */
function atReconcile(api: TestApi, answer: () => Promise<Partial<ReconcileResult>>): void {
  const { wgd } = api.deps;
  api.deps.wgd = {
    ...wgd,
    async reconcile() {
      api.deps.wgd = wgd;
      return { applied: [], removed: [], absent: [], failed: [], ...await answer() };
    },
  };
}

Deno.test("delete: T3: a row that the daemon purged meanwhile is a proof; an id it does not know is none", async () => {
  await using given = await world({ inProcess: "answers for the daemon" });
  const { api, byOwner } = given;
  const purged = await given.peer();
  atReconcile(api, async () => {
    await purgeTombstones(api.db);
    return { absent: [purged] };
  });
  const reply = await byOwner(purged, { method: "DELETE" });
  assert.deepEqual([reply.status, reply.body], [200, { removed: true }]);
  // The daemon of another interface, say: the tombstone is there.
  const unknown = await given.peer();
  atReconcile(api, () => Promise.resolve({ absent: [unknown] }));
  const open = await byOwner(unknown, { method: "DELETE" });
  assert.deepEqual([open.status, open.body], [202, { removed: false, status: "revoking" }]);
});

Deno.test("disable: T3: one that was overtaken by an enabling says so, and calls no live peer revoking", async () => {
  await using given = await world({ inProcess: "answers for the daemon" });
  const { api, byAdmin, byOwner } = given;
  const id = await given.peer();
  atReconcile(api, async () => {
    assert.equal((await byOwner(`${id}/enable`, post)).status, 403);
    assert.equal((await byAdmin(`${id}/enable`, post)).status, 200);
    return { applied: [id] };
  });
  const reply = await byAdmin(`${id}/disable`, post);
  assert.equal(reply.status, 409);
  assert.equal(reply.body.code, "overtaken");
});
