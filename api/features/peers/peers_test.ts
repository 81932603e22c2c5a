import assert from "node:assert/strict";
import { generateKeyPair, isWireGuardKey } from "../../../lib/wireguard_key.ts";
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
import { databaseDigest } from "../../../tests/support/snapshot.ts";

const base = "/api/v1/wireguard/peers";

function peers(api: TestApi, who: Persona) {
  const ask = (path: string, more: RequestOptions = {}) =>
    api.request(`${base}${path}`, { via: loopback, token: who.token, ...more });
  return {
    create: (body: unknown, more: RequestOptions = {}) => ask("/", { body, ...more }),
    get: (id: string) => ask(`/${id}`),
    list: (query = "") => ask(`/${query}`),
    post: (id: string, verb: string, body?: unknown) =>
      ask(`/${id}/${verb}`, { method: "POST", ...(body === undefined ? {} : { body }) }),
    remove: (id: string) => ask(`/${id}`, { method: "DELETE" }),
  };
}

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

Deno.test("create: answers the peer, its file and its QR code, pending while no daemon confirms", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const reply = await peers(api, acme).create({ name: "laptop" });
  assert.equal(reply.status, 201);
  const { peer, config, qr } = reply.body;
  assert.equal(peer.status, "pending");
  assert.equal(peer.applied_at, null);
  assert.equal(peer.address, "10.10.0.6");
  assert.equal(reply.headers.get("location"), `${base}/${peer.id}`);
  assert.equal(reply.headers.get("cache-control"), "no-store");
  assert.match(config, /^AllowedIPs = 10\.10\.0\.1\/32, 10\.10\.0\.2\/32$/m);
  assert.match(config, /^Endpoint = vpn\.example\.com:51820$/m);
  assert.doesNotMatch(config, /^DNS/m);
  const privateKey = /^PrivateKey = (.*)$/m.exec(config)?.[1] ?? "";
  assert(isWireGuardKey(privateKey));
  assert.match(qr.svg, /^<svg /);
});

Deno.test("create, delete: T3: a daemon that hangs is waited for as long as set and no longer, and nothing is called done", async () => {
  await using hanging = await silentSocket();
  await using api = await testApi({ env: { WGD_SOCKET: hanging.path, WG_APPLY_TIMEOUT: "1" } });
  const acme = await adminOf(api, "acme");
  const timed = async <T>(ask: () => Promise<T>): Promise<T> => {
    const asked = performance.now();
    const reply = await ask();
    const took = performance.now() - asked;
    assert.ok(took >= 900 && took < 5_000, `${took} ms`);
    return reply;
  };
  const { status, body } = await timed(() => peers(api, acme).create({ name: "laptop" }));
  assert.deepEqual([status, body.peer.status], [201, "pending"]);
  const gone = await timed(() => peers(api, acme).remove(body.peer.id));
  assert.deepEqual(gone.body, { removed: false, status: "revoking" });
  assert.equal((await peers(api, acme).get(body.peer.id)).body.status, "revoking");
});

Deno.test("create: T6: no private or preshared key is stored or logged, and none is shown twice", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { body } = await peers(api, acme).create({ name: "laptop" });
  const secrets = ["PrivateKey", "PresharedKey"].map((name) =>
    new RegExp(`^${name} = (.*)$`, "m").exec(body.config)?.[1] ?? ""
  );
  const rows = await api.db.owner`select wg_peers::text as row from wg_peers`;
  const [again, list] = [await peers(api, acme).get(body.peer.id), await peers(api, acme).list()];
  const audit = await api.db.owner`select audit_log::text as row from audit_log`;
  const everywhere = [
    JSON.stringify(rows),
    JSON.stringify(audit),
    again.text,
    list.text,
    ...api.log,
  ]
    .join("\n");
  for (const secret of secrets) {
    assert(isWireGuardKey(secret));
    assert(!everywhere.includes(secret));
    const hex = [...atob(secret)].map((char) => char.charCodeAt(0).toString(16).padStart(2, "0"));
    assert(!everywhere.includes(hex.join("")));
  }
});

Deno.test("create: T6: the stored preshared key opens for its own row alone", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { body } = await peers(api, acme).create({ name: "laptop" });
  const [row] = await api.db.owner<{ preshared_key: Uint8Array }[]>`
    select preshared_key from wg_peers`;
  assert(row);
  const identity = `wg_peers/${acme.tenantId}/${body.peer.id}/${body.peer.public_key}`;
  const opened = await api.deps.presharedKeys.open(row.preshared_key, identity);
  assert(body.config.includes(`PresharedKey = ${new TextDecoder().decode(opened)}\n`));
  await assert.rejects(
    api.deps.presharedKeys.open(row.preshared_key, identity.replace("/1/", "/2/")),
    {
      name: "SealError",
    },
  );
});

Deno.test("create: with the caller's own key, no private key is made and no QR code drawn", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { publicKey } = await generateKeyPair();
  const reply = await peers(api, acme).create({
    name: "own",
    public_key: publicKey,
    preshared_key: false,
  });
  assert.equal(reply.status, 201);
  assert.equal(reply.body.peer.public_key, publicKey);
  assert.equal(reply.body.peer.has_preshared_key, false);
  assert.equal(reply.body.qr, null);
  assert.doesNotMatch(reply.body.config, /^(PrivateKey|PresharedKey)/m);
});

Deno.test("create: Accept chooses the file as a download or its QR code alone", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const make = (accept: string, more = {}) =>
    peers(api, acme).create({ name: "Ada's phone", ...more }, { headers: { accept } });
  const text = await make("text/plain");
  assert.equal(text.status, 201);
  assert.match(text.headers.get("content-type") ?? "", /^text\/plain/);
  assert.equal(text.headers.get("content-disposition"), 'attachment; filename="Ada-s-phone.conf"');
  assert.match(text.text, /^\[Interface\]$/m);
  const svg = await make("image/svg+xml");
  assert.match(svg.text, /^<svg /);
  const png = await make("image/png;q=0.9");
  assert.equal(png.headers.get("content-type"), "image/png");

  const { publicKey } = await generateKeyPair();
  const before = await databaseDigest(api.db);
  assert.equal((await make("image/png", { public_key: publicKey })).status, 406);
  assert.equal((await make("application/xml")).body.code, "not_acceptable");
  assert.deepEqual(await databaseDigest(api.db), before);
});

Deno.test("create: bad input is refused with its field, and nothing changes", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const foreign = await userOf(api, await adminOf(api, "other"), { email: "eve@other.example" });
  const [gateway] = await api.db.owner`select public_key from wg_interfaces`;
  const taken = await peers(api, acme).create({ name: "first" });
  const theirs = await peers(api, await adminOf(api, "third")).create({ name: "theirs" });
  const key = "A".repeat(42) + "A=";
  const good = { name: "laptop" };
  const cases: Record<string, [unknown, number, string, string?]> = {
    "no name": [{}, 422, "invalid_input", "name"],
    "empty name": [{ name: "" }, 422, "invalid_input", "name"],
    "long name": [{ name: "x".repeat(65) }, 422, "invalid_input", "name"],
    "name with a line break": [{ name: "x\nPostUp = reboot" }, 422, "invalid_input", "name"],
    "name with a NUL": [{ name: "x\0" }, 422, "invalid_input"],
    "unknown field": [{ ...good, address: "10.10.0.2" }, 422, "invalid_input", "address"],
    "array": [[], 422, "invalid_input"],
    "null": [null, 422, "invalid_input"],
    "key too short": [{ ...good, public_key: "abc" }, 422, "invalid_input", "public_key"],
    "key with bad base64": [
      { ...good, public_key: "!".repeat(43) + "=" },
      422,
      "invalid_input",
      "public_key",
    ],
    "key not canonical": [
      { ...good, public_key: "A".repeat(42) + "B=" },
      422,
      "invalid_input",
      "public_key",
    ],
    "key of zeros": [{ ...good, public_key: key }, 422, "invalid_input", "public_key"],
    "the gateway's key": [
      { ...good, public_key: gateway?.public_key },
      422,
      "invalid_input",
      "public_key",
    ],
    "a key in use": [{ ...good, public_key: taken.body.peer.public_key }, 409, "public_key_taken"],
    "a key in use elsewhere": [
      { ...good, public_key: theirs.body.peer.public_key },
      409,
      "public_key_taken",
    ],
    "expiry in the past": [
      { ...good, expires_at: "2020-01-01T00:00:00Z" },
      422,
      "invalid_input",
      "expires_at",
    ],
    "expiry that is no time": [
      { ...good, expires_at: "tomorrow" },
      422,
      "invalid_input",
      "expires_at",
    ],
    "expiry in a year of five digits": [
      { ...good, expires_at: "9999-12-31T23:59:59-23:59" },
      422,
      "invalid_input",
      "expires_at",
    ],
    "unknown user": [{ ...good, user_id: 4711 }, 422, "invalid_input", "user_id"],
    "another tenant's user": [
      { ...good, user_id: foreign.userId },
      422,
      "invalid_input",
      "user_id",
    ],
    "user as text": [{ ...good, user_id: "1" }, 422, "invalid_input", "user_id"],
    "huge user": [{ ...good, user_id: 2 ** 40 }, 422, "invalid_input", "user_id"],
    "routes that are none": [
      { ...good, client_allowed_ips: ["10.0.0.0/33"] },
      422,
      "invalid_input",
      "client_allowed_ips.0",
    ],
    "routes with a line break": [
      { ...good, client_allowed_ips: ["10.0.0.0/8\nPostUp = reboot"] },
      422,
      "invalid_input",
      "client_allowed_ips.0",
    ],
    "no routes": [
      { ...good, client_allowed_ips: [] },
      422,
      "invalid_input",
      "client_allowed_ips",
    ],
    "resolver by name": [{ ...good, dns: ["localhost"] }, 422, "invalid_input", "dns.0"],
    "resolver in the tunnel": [{ ...good, dns: ["10.10.0.1"] }, 422, "invalid_input", "dns.0"],
    "tiny MTU": [{ ...good, mtu: 576 }, 422, "invalid_input", "mtu"],
    "keepalive beyond 16 bit": [
      { ...good, persistent_keepalive: 65536 },
      422,
      "invalid_input",
      "persistent_keepalive",
    ],
  };
  for (const [name, [body, status, code, path]] of Object.entries(cases)) {
    await t.step(name, async () => {
      const before = await databaseDigest(api.db);
      const reply = await peers(api, acme).create(body);
      assert.equal(reply.status, status, reply.text);
      assert.equal(reply.headers.get("content-type"), "application/problem+json");
      assert.equal(reply.body.code, code);
      assert.equal(reply.body.request_id, reply.headers.get("x-request-id"));
      if (path) {
        const named = reply.body.errors.map((error: { path: string }) => error.path);
        assert(named.some((found: string) => found === path), `${named} names ${path}`);
      }
      assert.doesNotMatch(reply.text, /constraint|postgres|select |insert |wg_peers/i);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
});

Deno.test("create: T5: a full pool is a clear 409, and a released address is given out again after its rest", async () => {
  await using api = await testApi({ network: "10.10.0.0/28" });
  const acme = await adminOf(api, "acme");
  // Several share the pool; here one may have all of it.
  await api.db.owner`update tenants set peer_quota = 1000`;
  const { create, remove } = peers(api, acme);
  const made = [];
  for (let n = 0; n < 8; n++) made.push(await create({ name: `peer ${n}` }));
  assert.deepEqual(
    made.map((reply) => reply.body.peer.address),
    [6, 7, 8, 9, 10, 11, 12, 13].map((host) => `10.10.0.${host}`),
  );
  const before = await databaseDigest(api.db);
  const full = await create({ name: "one too many" });
  assert.equal(full.status, 409);
  assert.equal(full.body.code, "pool_exhausted");
  assert.deepEqual(await databaseDigest(api.db), before);

  await remove(made[3]?.body.peer.id);
  assert.equal((await create({ name: "too early" })).status, 409, "a tombstone keeps its address");
  await purgeTombstones(api.db);
  assert.equal((await create({ name: "still too early" })).status, 409, "it rests");
  await api.db.owner`update wg_ip_pool set free_from = now() where free_from > now()`;
  assert.equal((await create({ name: "now" })).body.peer.address, "10.10.0.9");
});

Deno.test("create: before the gateway published its key there is nothing to point a client at", async () => {
  await using api = await testApi({ gateway: false });
  const acme = await adminOf(api, "acme");
  const before = await databaseDigest(api.db);
  const reply = await peers(api, acme).create({ name: "early" });
  assert.equal(reply.status, 503);
  assert.equal(reply.body.code, "gateway_not_ready");
  assert.equal(reply.headers.get("retry-after"), "2");
  assert.deepEqual(await databaseDigest(api.db), before);
});

Deno.test("create: D1: a peer and its audit entry are committed together or not at all", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db
    .superuser`alter table audit_log add constraint test_fails check (action <> 'peer.create') not valid`;
  const reply = await peers(api, acme).create({ name: "unaudited" });
  assert.equal(reply.status, 500);
  assert.doesNotMatch(reply.text, /test_fails|constraint/);
  const [row] = await api.db.owner`select count(*)::int as n from wg_peers`;
  assert.equal(row?.n, 0);
  const [pool] = await api.db
    .owner`select count(*)::int as n from wg_ip_pool where free_from is null`;
  assert.equal(pool?.n, 0);
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

Deno.test("create: D3: a file that no QR code holds comes without one, and as a picture not at all", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const body = {
    name: "laptop",
    client_allowed_ips: Array.from(
      { length: 64 },
      (_, n) => `2001:db8:${n + 0x1000}:1234:5678:9abc:def0:${n + 0x1000}/128`,
    ),
  };
  const before = await databaseDigest(api.db);
  const picture = await api.request(base, {
    via: loopback,
    token: acme.token,
    body,
    headers: { accept: "image/png" },
  });
  assert.equal(picture.status, 406, picture.text);
  assert.deepEqual(await databaseDigest(api.db), before);
  const made = await peers(api, acme).create(body);
  assert.equal(made.status, 201, made.text);
  assert.equal(made.body.qr, null);
  assert.match(made.body.config, /^PrivateKey = /m);
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
