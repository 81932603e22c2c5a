import assert from "node:assert/strict";
import { presharedKeyRow } from "../../../lib/seal.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import {
  adminOf,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";

const base = "/api/v1/wireguard/peers";

interface World extends AsyncDisposable {
  api: TestApi;
  acme: Persona;
  peer: { id: string; public_key: string; address: string };
  // deno-lint-ignore no-explicit-any
  rotate(body?: unknown, id?: string): Promise<{ status: number; body: any }>;
  // deno-lint-ignore no-explicit-any
  get(): Promise<any>;
  retired(): Promise<string[]>;
}

async function world(): Promise<World> {
  const api = await testApi();
  const acme = await adminOf(api, "acme");
  const make = await api.request(base, { token: acme.token, body: { name: "laptop" } });
  const { peer } = make.body;
  return {
    api,
    acme,
    peer,
    rotate: (body = {}, id = peer.id) =>
      api.request(`${base}/${id}/rotate`, { token: acme.token, body }),
    get: async () => (await api.request(`${base}/${peer.id}`, { token: acme.token })).body,
    retired: async () =>
      (await api.db.owner<{ key: string }[]>`select public_key as key from wg_retired_keys`)
        .map(({ key }) => key),
    [Symbol.asyncDispose]: () => api[Symbol.asyncDispose](),
  };
}

const publicKeyIn = async (config: string) => {
  const key = /^PrivateKey = (.*)$/m.exec(config)?.[1] ?? "";
  const child = new Deno.Command("wg", { args: ["pubkey"], stdin: "piped", stdout: "piped" })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(key));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout).trim();
};

Deno.test("rotate: the new key waits beside the old one, an hour unless told, and the file is of the new one", async () => {
  await using given = await world();
  const { api, peer, rotate, get } = given;
  const { status, body } = await rotate();
  assert.equal(status, 200);
  assert.equal(body.peer.public_key, peer.public_key, "the old key goes on");
  assert.equal(body.peer.address, peer.address);
  const { successor_public_key, deadline } = body.peer.rotation;
  assert.equal(await publicKeyIn(body.config), successor_public_key);
  assert.equal(Date.parse(deadline), api.clock.now() + 3_600_000);
  assert.deepEqual(await given.retired(), []);
  assert.deepEqual((await get()).rotation, body.peer.rotation);

  const [row] = await api.db
    .owner`select tenant_id, successor_preshared_key as sealed from wg_peers`;
  const place = { tenantId: row?.tenant_id, peerId: peer.id };
  const seal = (publicKey: string) => presharedKeyRow({ ...place, publicKey });
  const opened = await api.deps.presharedKeys.open(row?.sealed, seal(successor_public_key));
  assert(body.config.includes(`PresharedKey = ${new TextDecoder().decode(opened)}\n`));
  await assert.rejects(api.deps.presharedKeys.open(row?.sealed, seal(peer.public_key)));

  const [entry] = await api.db.owner`select details from audit_log where action = 'peer.rotate'`;
  assert.deepEqual(entry?.details, {
    public_key_before: peer.public_key,
    public_key: successor_public_key,
    overlap_until: deadline,
  });
});

Deno.test("rotate: T3: a second time, the key that waited is dead, and the one in use goes on", async () => {
  await using given = await world();
  const first = (await given.rotate()).body.peer.rotation;
  const second = (await given.rotate({ overlap_seconds: 60 })).body.peer;
  assert.equal(second.public_key, given.peer.public_key);
  assert.notEqual(second.rotation.successor_public_key, first.successor_public_key);
  assert.equal(Date.parse(second.rotation.deadline), given.api.clock.now() + 60_000);
  assert.deepEqual(await given.retired(), [first.successor_public_key]);
});

Deno.test("rotate: T3: at once while one waits, both keys are dead", async () => {
  await using given = await world();
  const waited = (await given.rotate()).body.peer.rotation;
  const { peer } = (await given.rotate({ overlap_seconds: 0 })).body;
  assert.equal(peer.rotation, null);
  assert.deepEqual(
    (await given.retired()).sort(),
    [given.peer.public_key, waited.successor_public_key].sort(),
  );
});

Deno.test("rotate: what has no session to keep, or could not be applied, changes its key at once", async (t) => {
  const changes: Record<string, (given: World) => Promise<unknown>> = {
    "a disabled peer": ({ api, peer }) =>
      api.db.owner`update wg_peers set enabled = false where id = ${peer.id}`,
    "an expired peer": ({ api, peer }) =>
      api.db.owner`update wg_peers set expires_at = ${new Date(
        api.clock.now(),
      )} where id = ${peer.id}`,
    "a held peer": ({ api, peer }) =>
      api.db.owner`insert into wg_peer_status (tenant_id, peer_id, generation, state, error)
        select tenant_id, id, generation, 'held', 'why' from wg_peers where id = ${peer.id}`,
  };
  for (const [name, change] of Object.entries(changes)) {
    await t.step(name, async () => {
      await using given = await world();
      await change(given);
      const { peer } = (await given.rotate()).body;
      assert.equal(peer.rotation, null);
      assert.deepEqual(await given.retired(), [given.peer.public_key]);
    });
  }
});

Deno.test("rotate: D3: an overlap or a key that cannot be is refused, and nothing changes", async () => {
  await using given = await world();
  const { api, acme, rotate, get } = given;
  const other = await api.request(base, { token: acme.token, body: { name: "other" } });
  const before = await get();
  for (const overlap_seconds of [-1, 1.5, 7 * 86400 + 1, "60", null]) {
    const { status, body } = await rotate({ overlap_seconds });
    assert.deepEqual([status, body.errors?.[0]?.path], [422, "overlap_seconds"]);
  }
  for (const public_key of [given.peer.public_key, other.body.peer.public_key]) {
    const { status, body } = await rotate({ public_key });
    assert.deepEqual([status, body.code], [409, "public_key_taken"]);
  }
  const [gateway] = await api.db.owner`select public_key from wg_interfaces`;
  assert.equal((await rotate({ public_key: gateway?.public_key })).status, 422);
  assert.deepEqual(await get(), before);

  const { publicKey: own } = await generateKeyPair();
  assert.equal((await rotate({ public_key: own })).status, 200);
  const taken = await api.request(base, {
    token: acme.token,
    body: { name: "thief", public_key: own },
  });
  assert.deepEqual([taken.status, taken.body.code], [409, "public_key_taken"]);
  const promotion = await rotate({ public_key: own, overlap_seconds: 0 });
  assert.deepEqual([promotion.status, promotion.body.code], [409, "public_key_taken"]);
  assert.equal((await rotate({ public_key: own })).status, 200, "asked for again, it waits on");
});

Deno.test("rotate: a link delivers the key that waits, or lets one's own wait in its place", async () => {
  await using given = await world();
  const { api, rotate, get } = given;
  const redeem = (body: unknown) =>
    api.request("/api/v1/wireguard/deliveries", { tenant: "acme", body });
  const made = (await rotate({ delivery: "link" })).body;
  assert.equal(made.config, null);
  const fetched = await redeem({ token: made.delivery.token });
  assert.equal(fetched.status, 200, fetched.text);
  assert.equal(
    await publicKeyIn(fetched.body.config),
    made.peer.rotation.successor_public_key,
  );

  const again = (await rotate({ delivery: "link", overlap_seconds: 600 })).body;
  const { publicKey: own } = await generateKeyPair();
  const swapped = await redeem({ token: again.delivery.token, public_key: own });
  assert.equal(swapped.status, 200, swapped.text);
  const peer = await get();
  assert.equal(peer.public_key, given.peer.public_key, "the key in use goes on");
  assert.deepEqual(peer.rotation, {
    successor_public_key: own,
    deadline: again.peer.rotation.deadline,
  });
});

Deno.test("rotate: in self-service a user's own peer waits the same way", async () => {
  await using given = await world();
  const { api, acme } = given;
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const own = "/api/v1/wireguard/me/peers";
  const made = await api.request(own, { token: bob.token, body: { name: "phone" } });
  const path = `${own}/${made.body.peer.id}/rotate`;
  const { body } = await api.request(path, { token: bob.token, body: {} });
  assert.equal(body.peer.public_key, made.body.peer.public_key);
  assert.equal(await publicKeyIn(body.config), body.peer.rotation.successor_public_key);
  const not = await api.request(`${own}/${given.peer.id}/rotate`, { token: bob.token, body: {} });
  assert.equal(not.status, 404);
});

Deno.test("rotate: T3: removing a peer withdraws the key that waits", async () => {
  await using given = await world();
  const { api, acme, peer, rotate } = given;
  const { successor_public_key } = (await rotate()).body.peer.rotation;
  await api.request(`${base}/${peer.id}`, { method: "DELETE", token: acme.token });
  assert.deepEqual(await given.retired(), [successor_public_key]);
  assert.equal((await given.get()).rotation, null);
});
