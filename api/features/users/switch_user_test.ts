import assert from "node:assert/strict";
import { adminOf, as, loopback, testApi, userOf } from "../../../tests/support/api.ts";

const base = "/api/v1/users";

Deno.test("users: A1, T3: deactivating ends sessions, keys and log-in at once, and says removed once it is proven", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example", role: "manager" });
  const peer = await api.request("/api/v1/wireguard/me/peers", {
    ...as(bob),
    body: { name: "laptop" },
  });
  const { key } = (await api.request("/api/v1/api-keys", {
    ...as(bob),
    body: { name: "k", scopes: ["users.read"] },
  })).body;
  const deactivate = () =>
    api.request(`${base}/${bob.userId}/deactivate`, as(acme, { method: "POST" }));
  const pending = await deactivate();
  assert.equal(pending.status, 202, pending.text);
  assert.deepEqual(
    [pending.body.sessions_ended, pending.body.removed, pending.body.status],
    [1, false, "revoking"],
  );
  assert.equal((await api.request(base, as(bob))).status, 401);
  assert.equal(
    (await api.request(base, { via: loopback, headers: { "x-api-key": key } })).status,
    401,
  );
  const login = () =>
    api.request("/api/v1/auth/login", {
      via: loopback,
      tenant: "acme",
      body: { email: bob.email, password: bob.password },
    });
  assert.equal((await login()).status, 401);
  // What the daemon writes once it has read the interface back without the peer.
  await api.db.owner`
    insert into wg_peer_status (tenant_id, peer_id, generation, state)
      select tenant_id, id, generation, 'removed' from wg_peers where id = ${peer.body.peer.id}`;
  const proven = await deactivate();
  assert.deepEqual([proven.status, proven.body.removed, proven.body.sessions_ended], [
    200,
    true,
    0,
  ]);
  assert.equal(proven.body.user.status, "inactive");

  await api.request(`${base}/${bob.userId}/activate`, as(acme, { method: "POST" }));
  assert.equal((await api.request(base, as(bob))).status, 401, "what ended stays so");
  assert.equal((await login()).status, 200);
  const last = await api.request(`${base}/${acme.userId}/deactivate`, as(acme, { method: "POST" }));
  assert.deepEqual([last.status, last.body.code], [409, "last_admin"]);
  assert.equal((await api.request(base, as(acme))).status, 200);
});

Deno.test("users: T3: removing one takes all that is his, turns his peers to tombstones, and leaves the log", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example", role: "manager" });
  const peer = await api.request("/api/v1/wireguard/me/peers", {
    ...as(bob),
    body: { name: "laptop" },
  });
  await api.request("/api/v1/api-keys", {
    ...as(bob),
    body: { name: "k", scopes: ["users.read"] },
  });
  const invited = await api.request(`${base}/invitations`, {
    ...as(bob),
    body: { email: "guest@acme.example", delivery: "inline" },
  });
  assert.equal(invited.status, 201, invited.text);

  await api.db.owner`update sessions set stepped_up_at = null where user_id = ${acme.userId}`;
  const remove = (id: number) => api.request(`${base}/${id}`, as(acme, { method: "DELETE" }));
  assert.equal((await remove(bob.userId)).body.code, "step_up_required");
  await api.db.owner`update sessions set stepped_up_at = ${new Date(api.clock.now())}`;
  const removed = await remove(bob.userId);
  assert.deepEqual([removed.status, removed.body], [202, { removed: false, status: "revoking" }]);
  for (const table of ["sessions", "api_keys", "user_roles"]) {
    const rows = await api.db.owner.unsafe(
      `select from ${table} where user_id = ${bob.userId}`,
    );
    assert.equal(rows.length, 0, table);
  }
  assert.equal((await api.db.owner`select from invitations`).length, 0);
  const peers = await api.db.owner`
    select id, user_id, deleted_at is not null as tombstone from wg_peers order by kind desc`;
  assert.deepEqual(peers.map((row) => ({ ...row })), [
    { id: peer.body.peer.id, user_id: null, tombstone: true },
    { id: invited.body.enrolment.peer.id, user_id: null, tombstone: true },
  ]);
  assert.equal((await api.request(base, as(bob))).status, 401);
  const [kept] = await api.db.owner`
    select count(*)::integer as n from audit_log where actor_user_id = ${bob.userId}`;
  assert(kept?.n > 0);
  const again = await remove(bob.userId);
  const unknown = await remove(4711);
  assert.equal(again.status, 404);
  assert.equal(
    again.text.replace(again.body.request_id, ""),
    unknown.text.replace(unknown.body.request_id, ""),
  );
  const last = await remove(acme.userId);
  assert.deepEqual([last.status, last.body.code], [409, "last_admin"]);
});
