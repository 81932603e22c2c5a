import assert from "node:assert/strict";
import { peers } from "../../../tests/support/peer_calls.ts";
import { adminOf, loopback, type TestApi, testApi, userOf } from "../../../tests/support/api.ts";
import { purgeTombstones } from "../../../tests/support/database.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const base = "/api/v1/wireguard/peers";

/** Takes every connection, and says nothing. */
async function silentSocket(): Promise<AsyncDisposable & { path: string }> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-silent-" });
  const path = `${folder}/wgd.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const taken: Deno.Conn[] = [];
  const taking = (async () => {
    for await (const connection of listener) taken.push(connection);
  })();
  return {
    path,
    async [Symbol.asyncDispose]() {
      listener.close();
      await taking;
      for (const connection of taken) connection.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("create, delete: T3: a daemon that hangs is waited for as long as set and no longer, and nothing is called done", async () => {
  await using hanging = await silentSocket();
  await using api = await testApi({ env: { WGD_SOCKET: hanging.path, WG_APPLY_TIMEOUT: "1" } });
  const acme = await adminOf(api, "acme");
  const timed = async <T>(ask: () => Promise<T>): Promise<T> => {
    const asked = performance.now();
    const reply = await ask();
    const took = performance.now() - asked;
    assert.ok(took >= 900 && took < 20_000, `${took} ms`);
    return reply;
  };
  const { status, body } = await timed(() => peers(api, acme).create({ name: "laptop" }));
  assert.deepEqual([status, body.peer.status], [201, "pending"]);
  const gone = await timed(() => peers(api, acme).remove(body.peer.id));
  assert.deepEqual(gone.body, { removed: false, status: "revoking" });
  assert.equal((await peers(api, acme).get(body.peer.id)).body.status, "revoking");
});

Deno.test("list: pages in the order of creation, with every peer exactly once", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { create, list } = peers(api, acme);
  const names = ["a", "b", "c", "d", "e"];
  for (const name of names) {
    api.clock.advance(1);
    await create({ name, ...(name === "c" ? { user_id: bob.userId } : {}) });
  }
  const seen: string[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const page = await list(`?limit=2${cursor ? `&cursor=${cursor}` : ""}`);
    assert.equal(page.status, 200);
    seen.push(...page.body.items.map((peer: { name: string }) => peer.name));
    cursor = page.body.next_cursor;
  }
  assert.deepEqual(seen, names);
  const owned = await list(`?user_id=${bob.userId}`);
  assert.deepEqual(owned.body.items.map((peer: { name: string }) => peer.name), ["c"]);
  for (
    const query of ["?limit=0", "?limit=201", "?limit=x", "?cursor=!", "?cursor=eA", "?user_id=-1"]
  ) {
    assert.equal((await list(query)).status, 422, query);
  }
});

Deno.test("peers: an id in capitals is that id, to the daemon and in the audit log as well", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { id } = (await peers(api, acme).create({ name: "laptop" })).body.peer;
  const call = (path: string, method: string) =>
    api.request(`${base}/${id.toUpperCase()}${path}`, { method, via: loopback, token: acme.token });
  assert.equal((await call("", "GET")).body.id, id);
  assert.equal((await call("/disable", "POST")).status, 202);
  assert.equal((await call("", "DELETE")).status, 202);
  const targets = await api.db.owner`
    select target_id from audit_log where action in ('peer.disable', 'peer.delete')`;
  assert.deepEqual(targets.map((row) => row.target_id), [id, id]);
  assert(!api.log.some((line) => /confirm/.test(line) && line.includes(id.toUpperCase())));
});

Deno.test("delete: answers that the peer is on its way out until a read-back proves it gone", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { create, get, remove, post } = peers(api, acme);
  const { id } = (await create({ name: "laptop" })).body.peer;
  const reply = await remove(id);
  assert.equal(reply.status, 202);
  assert.deepEqual(reply.body, { removed: false, status: "revoking" });
  assert.equal((await get(id)).body.status, "revoking");
  for (const verb of ["enable", "disable"]) {
    assert.equal((await post(id, verb)).status, 404, `${verb} after removal`);
  }
  assert.equal((await post(id, "rotate", {})).status, 404);
  assert.equal((await remove(id)).status, 202, "asking again changes nothing");
  await purgeTombstones(api.db);
  assert.equal((await get(id)).status, 404);
  assert.equal((await remove(id)).status, 404);
});

Deno.test("rotate: at once: new keys at the old address, the old key kept as a tombstone until it is proven gone", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { create, post } = peers(api, acme);
  const before = (await create({ name: "laptop" })).body;
  const reply = await post(before.peer.id, "rotate", { overlap_seconds: 0 });
  assert.equal(reply.status, 200);
  assert.equal(reply.body.peer.rotation, null);
  assert.equal(reply.body.peer.address, before.peer.address);
  assert.notEqual(reply.body.peer.public_key, before.peer.public_key);
  assert.notEqual(reply.body.config, before.config);
  const retired = await api.db.owner`select public_key, peer_id from wg_retired_keys`;
  assert.deepEqual([...retired], [{
    public_key: before.peer.public_key,
    peer_id: before.peer.id,
  }]);
  const [entry] = await api.db.owner`select details from audit_log where action = 'peer.rotate'`;
  assert.deepEqual(entry?.details, {
    public_key: reply.body.peer.public_key,
    public_key_before: before.peer.public_key,
    overlap_until: null,
  });
});

Deno.test("peers: N3: another tenant's peer behaves exactly like an unknown one", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const theirs = (await peers(api, other).create({ name: "theirs" })).body.peer.id;
  const unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
  const before = await databaseDigest(api.db);
  const calls: Record<string, (id: string) => ReturnType<TestApi["request"]>> = {
    get: (id) => peers(api, acme).get(id),
    delete: (id) => peers(api, acme).remove(id),
    enable: (id) => peers(api, acme).post(id, "enable"),
    disable: (id) => peers(api, acme).post(id, "disable"),
    rotate: (id) => peers(api, acme).post(id, "rotate", {}),
  };
  for (const [name, call] of Object.entries(calls)) {
    await t.step(name, async () => {
      const [foreign, absent] = [await call(theirs), await call(unknown)];
      assert.equal(foreign.status, 404);
      const { request_id: _, ...foreignBody } = foreign.body;
      const { request_id: __, ...absentBody } = absent.body;
      assert.deepEqual(foreignBody, absentBody);
      assert.deepEqual([...foreign.headers.keys()], [...absent.headers.keys()]);
    });
  }
  assert.deepEqual((await peers(api, acme).list()).body.items, []);
  assert.deepEqual(await databaseDigest(api.db), before);
});

Deno.test("peers: a user without the permission is refused, and nothing changes", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { id } = (await peers(api, acme).create({ name: "laptop" })).body.peer;
  const before = await databaseDigest(api.db);
  const mine = peers(api, bob);
  const replies = [
    await mine.create({ name: "x" }),
    await mine.list(),
    await mine.get(id),
    await mine.remove(id),
    await mine.post(id, "enable"),
    await mine.post(id, "disable"),
    await mine.post(id, "rotate", {}),
  ];
  for (const reply of replies) {
    assert.equal(reply.status, 403);
    assert.equal(reply.body.code, "forbidden");
  }
  assert.deepEqual(await databaseDigest(api.db), before);
});
