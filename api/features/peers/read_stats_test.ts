import assert from "node:assert/strict";
import { connect } from "../../../db/connection.ts";
import {
  adminOf,
  peerOf,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";

const endpoint = "192.0.2.7:40000";

/** Does what the daemon does: the latest event of `events` is now, each other a minute before the next. */
async function speak(api: TestApi, tenantId: number, id: string, events = 1): Promise<void> {
  const sql = connect(api.db.url("massacorp_wgd"), {
    max: 1,
    applicationName: "test-wgd",
    connectTimeout: 60,
  });
  const now = new Date(api.clock.now());
  await sql`insert into wg_peer_traffic (tenant_id, peer_id) values (${tenantId}, ${id})`;
  await sql`
    update wg_peer_traffic set received_bytes = 5000000000, sent_bytes = 7, endpoint = ${endpoint},
      last_handshake_at = ${now}, online_since = ${now}, events = ${events} where peer_id = ${id}`;
  await sql`
    insert into wg_peer_events (tenant_id, peer_id, n, kind, at, endpoint)
      select ${tenantId}, ${id}, n, case when n % 2 = 1 then 'connected' else 'disconnected' end,
        ${now}::timestamptz - make_interval(mins => ${events} - n), ${endpoint}
      from generate_series(1, ${events}::int) n`;
  await sql.end();
}

const stats = (api: TestApi, who: Persona, id: string, query = "", mount = "peers") =>
  api.request(`/api/v1/wireguard/${mount}/${id}/stats${query}`, { token: who.token });

Deno.test("stats: what the daemon wrote, and online for 180 s after the handshake", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { id } = await peerOf(api, acme);
  const silent = await stats(api, acme, id);
  assert.deepEqual([silent.status, silent.body], [200, {
    peer_id: id,
    received_bytes: 0,
    sent_bytes: 0,
    online: false,
    online_since: null,
    endpoint: null,
    last_handshake_at: null,
    counted_at: null,
    events: { items: [], next_cursor: null },
  }]);
  const spoke = new Date(api.clock.now()).toISOString();
  await speak(api, acme.tenantId, id);
  const { body } = await stats(api, acme, id);
  assert.match(body.counted_at, /^\d{4}-.*Z$/);
  assert.deepEqual({ ...body, counted_at: null }, {
    peer_id: id,
    received_bytes: 5_000_000_000,
    sent_bytes: 7,
    online: true,
    online_since: spoke,
    endpoint,
    last_handshake_at: spoke,
    counted_at: null,
    events: { items: [{ kind: "connected", at: spoke, endpoint }], next_cursor: null },
  });
  const view = async () =>
    (await api.request(`/api/v1/wireguard/peers/${id}`, { token: acme.token })).body;
  assert.deepEqual(
    [(await view()).online, (await view()).endpoint, (await view()).last_handshake_at],
    [true, endpoint, spoke],
  );
  // The interface was made anew, and forgot the session.
  await api.db.owner`update wg_peer_traffic set online_since = null`;
  assert.equal((await view()).online, false);
  await api.db.owner`update wg_peer_traffic set online_since = last_handshake_at`;
  api.clock.advance(179_000);
  assert.equal((await stats(api, acme, id)).body.online, true);
  api.clock.advance(1_000);
  const late = (await stats(api, acme, id)).body;
  assert.deepEqual([late.online, late.online_since, late.last_handshake_at], [false, null, spoke]);
  assert.equal((await view()).online, false);
});

Deno.test("stats: events come the latest first, in pages that stay right while others are added", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { id } = await peerOf(api, acme);
  await speak(api, acme.tenantId, id, 7);
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const query: string = cursor === "" ? "?limit=3" : `?limit=3&cursor=${cursor}`;
    const { status, body } = await stats(api, acme, id, query);
    assert.equal(status, 200);
    seen.push(...body.events.items.map(({ at }: { at: string }) => at));
    cursor = body.events.next_cursor;
    await api.db.owner`
      insert into wg_peer_events (tenant_id, peer_id, n, kind, at)
        select tenant_id, peer_id, max(n) + 1, 'connected', now() from wg_peer_events group by 1, 2`;
  }
  assert.equal(seen.length, 7);
  assert.deepEqual(seen, seen.toSorted().toReversed());
  for (const query of ["?cursor=x", "?cursor=ZXZlbnQgLTE", "?limit=0", "?limit=201"]) {
    const reply = await stats(api, acme, id, query);
    assert.equal(reply.status, 422, query);
  }
});

Deno.test("stats: N3: a client's address is for its owner and the tenant's own admins", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await userOf(api, acme, { email: "ada@acme.example" });
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const other = await adminOf(api, "other");
  const { id } = await peerOf(api, acme, { user_id: ada.userId });
  await speak(api, acme.tenantId, id);
  const changed = await api.request(`/api/v1/wireguard/peers/${id}`, {
    method: "PATCH",
    token: acme.token,
    body: { name: "renamed" },
  });
  assert.equal(changed.status, 200);
  assert.ok(!changed.text.includes("192.0.2"), "changing is not reading");
  const unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
  const own = await stats(api, ada, id, "", "me/peers");
  assert.deepEqual([own.status, own.body.endpoint], [200, endpoint]);
  assert.equal((await stats(api, acme, id)).body.endpoint, endpoint);
  assert.equal((await stats(api, ada, id)).status, 403);
  assert.equal((await stats(api, bob, id)).status, 403);
  const same = ({ status, body }: { status: number; body: Record<string, unknown> }) => ({
    status,
    body: { ...body, request_id: "" },
  });
  for (const [who, mount] of [[bob, "me/peers"], [other, "peers"], [other, "me/peers"]] as const) {
    const refused = await stats(api, who, id, "", mount);
    assert.equal(refused.status, 404);
    assert.deepEqual(same(refused), same(await stats(api, who, unknown, "", mount)));
    assert.ok(!refused.text.includes("192.0.2"));
  }
});
