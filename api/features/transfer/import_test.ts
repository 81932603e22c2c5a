import assert from "node:assert/strict";
import { presharedKeyRow } from "../../../lib/seal.ts";
import { generateKeyPair, generatePresharedKey } from "../../../lib/wireguard_key.ts";
import {
  adminOf,
  logIn,
  loopback,
  type Persona,
  type TestApi,
  testApi,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

interface Line {
  name: string;
  public_key: string;
  preshared_key?: string | null;
  allowed_ips: string[];
}

async function line(name: string, ...allowed_ips: string[]): Promise<Line> {
  const { publicKey } = await generateKeyPair();
  return { name, public_key: publicKey, allowed_ips };
}

const importing = (
  api: TestApi,
  tenant: Persona,
  peers: Line[],
  more: { apply?: boolean; renumber?: boolean } = {},
) => api.request("/api/v1/wireguard/import", { tenant: tenant.slug, body: { peers, ...more } });

const verdicts = (items: { name: string; verdict: string; reason: string; address: string }[]) =>
  items.map(({ name, verdict, reason, address }) => [name, verdict, reason, address]);

/** All rows that an import writes. */
const written = async ({ db }: TestApi) => [
  ...await db.owner`select id, tenant_id, name, host(address) as address from wg_peers order by id`,
  ...await db.owner`select address from wg_ip_pool where free_from is null order by address`,
];

Deno.test("import: a rehearsal says what applying then does, and changes nothing", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const theirs = await line("theirs", "10.10.0.9/32");
  assert.equal((await importing(api, other, [theirs], { apply: true })).status, 200);
  const [gateway] = await api.db.owner`select public_key from wg_interfaces`;
  const twice = await line("twice", "10.10.0.20/32");
  const peers = [
    await line("kept", "10.10.0.8/32"),
    await line("bare", "10.10.0.7"),
    twice,
    { ...twice, name: "again", allowed_ips: ["10.10.0.21/32"] },
    await line("same address", "10.10.0.8/32"),
    await line("both families", "10.10.0.10/32", "fdcc:ad94:bacf:61a4::cafe:2/128"),
    await line("two addresses", "10.10.0.11/32", "10.10.0.12/32"),
    await line("a network", "10.10.0.13/32", "192.168.7.0/24"),
    await line("nothing"),
    await line("elsewhere", "10.8.0.5/32"),
    await line("reserved", "10.10.0.2/32"),
    await line("taken", "10.10.0.9/32"),
    { ...theirs, name: "their key", allowed_ips: ["10.10.0.30/32"] },
    { ...await line("gateway", "10.10.0.31/32"), public_key: gateway?.public_key },
  ];
  const expected = [
    ["kept", "taken", null, "10.10.0.8"],
    ["bare", "taken", null, "10.10.0.7"],
    ["twice", "taken", null, "10.10.0.20"],
    ["again", "refused", "duplicate_key", null],
    ["same address", "refused", "duplicate_address", null],
    ["both families", "taken", null, "10.10.0.10"],
    ["two addresses", "refused", "several_allowed_ips", null],
    ["a network", "refused", "several_allowed_ips", null],
    ["nothing", "refused", "no_address", null],
    ["elsewhere", "refused", "outside_network", null],
    ["reserved", "refused", "reserved_address", null],
    ["taken", "refused", "address_taken", null],
    ["their key", "refused", "public_key_taken", null],
    ["gateway", "refused", "gateway_key", null],
  ];
  const before = await databaseDigest(api.db);
  const rehearsal = await importing(api, acme, peers);
  assert.equal(rehearsal.status, 200, rehearsal.text);
  assert.equal(rehearsal.body.applied, false);
  assert.deepEqual(verdicts(rehearsal.body.items), expected);
  assert.ok(rehearsal.body.items.every((item: { peer_id: unknown }) => item.peer_id === null));
  assert.deepEqual(rehearsal.body.items[5].dropped_ips, ["fdcc:ad94:bacf:61a4::cafe:2"]);
  assert.deepEqual(await databaseDigest(api.db), before);

  const applied = await importing(api, acme, peers, { apply: true });
  assert.deepEqual(verdicts(applied.body.items), expected);
  const made = applied.body.items.filter((item: { peer_id: unknown }) => item.peer_id !== null);
  assert.deepEqual(made.map((item: { status: string }) => item.status), Array(4).fill("pending"));
  const rows = await api.db.owner`
    select id, name, host(address) as address from wg_peers where tenant_id = ${acme.tenantId} order by wg_peers.address`;
  assert.deepEqual(
    rows.map(({ name, address }) => [name, address]),
    [
      ["bare", "10.10.0.7"],
      ["kept", "10.10.0.8"],
      ["both families", "10.10.0.10"],
      ["twice", "10.10.0.20"],
    ],
  );
  const [entry, ...more] = await api.db.owner`
    select tenant_id, actor, details from audit_log where action = 'peer.import' and tenant_id = ${acme.tenantId}`;
  assert.deepEqual([entry?.tenant_id, entry?.actor, more.length], [acme.tenantId, "operator", 0]);
  assert.deepEqual(entry?.details.peer_ids.toSorted(), rows.map((row) => row.id).toSorted());

  // A key that is to take over from the present one is that peer's as well.
  const next = (await generateKeyPair()).publicKey;
  await api.db.owner`
    update wg_peers set successor_public_key = ${next}, successor_deadline = now() + interval '1 hour'
      where name = 'kept'`;
  const waiting = { name: "waiting", public_key: next, allowed_ips: ["10.10.0.40/32"] };
  const { body: known } = await importing(api, acme, [waiting], { apply: true });
  assert.deepEqual(verdicts(known.items), [["waiting", "present", null, "10.10.0.8"]]);

  const repeated = await importing(api, acme, peers, { apply: true });
  assert.deepEqual(
    repeated.body.items.slice(0, 3).map((item: { verdict: string }) => item.verdict),
    ["present", "present", "present"],
  );
  assert.equal((await written(api)).length, 10, "five peers, five addresses");
});

Deno.test("import: renumbering gives the lowest free address, and never one that the file itself asks for", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const peers = [
    await line("reserved", "10.10.0.2/32"),
    await line("elsewhere", "10.8.0.5/32"),
    await line("kept", "10.10.0.6/32"),
    await line("kept, too", "10.10.0.8/32"),
    await line("same", "10.10.0.8/32"),
    await line("a network", "10.10.0.0/28"),
  ];
  const { body } = await importing(api, acme, peers, { apply: true, renumber: true });
  assert.deepEqual(verdicts(body.items), [
    ["reserved", "renumbered", "reserved_address", "10.10.0.7"],
    ["elsewhere", "renumbered", "outside_network", "10.10.0.9"],
    ["kept", "taken", null, "10.10.0.6"],
    ["kept, too", "taken", null, "10.10.0.8"],
    ["same", "renumbered", "duplicate_address", "10.10.0.10"],
    ["a network", "refused", "several_allowed_ips", null],
  ]);
});

Deno.test("import: a full pool refuses the rest, and loses no address", async () => {
  await using api = await testApi({ network: "10.10.0.0/28" });
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set peer_quota = 100 where id = ${acme.tenantId}`;
  const peers = await Promise.all(Array.from({ length: 10 }, (_, n) => line(`p${n}`, "10.8.0.9")));
  const { body } = await importing(api, acme, peers, { apply: true, renumber: true });
  const reasons = body.items.map((item: { reason: string }) => item.reason);
  assert.deepEqual(reasons.slice(-2), ["pool_exhausted", "pool_exhausted"]);
  assert.equal((await written(api)).length, 16, "eight peers, eight addresses");
});

Deno.test("import: A6: preshared keys are sealed for their own row, and neither shown nor logged", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const psk = generatePresharedKey().reveal();
  const peer = { ...await line("ada", "10.10.0.8/32"), preshared_key: psk };
  const reply = await importing(api, acme, [peer], { apply: true });
  const [row] = await api.db.owner<{ id: string; preshared_key: Uint8Array }[]>`
    select id, preshared_key from wg_peers`;
  assert.ok(row);
  const place = { tenantId: acme.tenantId, peerId: row.id, publicKey: peer.public_key };
  const opened = await api.deps.presharedKeys.open(row.preshared_key, presharedKeyRow(place));
  assert.equal(new TextDecoder().decode(opened), psk);
  const wrong = await importing(api, acme, [{ ...peer, preshared_key: `${psk}x` }]);
  assert.equal(wrong.body.errors[0].path, "peers.0.preshared_key");
  for (const text of [reply.text, wrong.text, api.log.join("\n")]) assert.ok(!text.includes(psk));
});

Deno.test("import: the tenant's quota holds, and what is over it takes nothing", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await api.db.owner`update tenants set peer_quota = 2 where id = ${acme.tenantId}`;
  const peers = [await line("a", "10.10.0.8"), await line("b", "10.10.0.9")];
  const third = await line("c", "10.10.0.10");
  for (const apply of [false, true]) {
    const over = await importing(api, acme, [...peers, third], { apply });
    assert.deepEqual([over.status, over.body.code], [409, "quota_exceeded"]);
  }
  assert.deepEqual(await written(api), []);
  assert.equal((await importing(api, acme, peers, { apply: true })).status, 200);
});

Deno.test("import: T5: ten at once for the same addresses give each to one of them", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const files = await Promise.all(
    Array.from(
      { length: 10 },
      () => Promise.all(Array.from({ length: 5 }, (_, n) => line(`p${n}`, `10.10.0.${20 - n}/32`))),
    ),
  );
  const replies = await Promise.all(
    files.map((peers) => importing(api, acme, peers, { apply: true })),
  );
  const taken = replies.flatMap((reply) => {
    assert.equal(reply.status, 200, reply.text);
    return reply.body.items.filter((item: { verdict: string }) => item.verdict === "taken");
  });
  assert.equal(taken.length, 5);
  assert.equal((await written(api)).length, 10);
});

Deno.test("export: what was imported, with preshared keys only when asked for over the operator's socket", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const psk = generatePresharedKey().reveal();
  const kept = { ...await line("kept", "10.10.0.8/32"), preshared_key: psk };
  const off = await line("off", "10.10.0.9/32");
  await importing(api, acme, [kept, off], { apply: true });
  await importing(api, other, [await line("theirs", "10.10.0.20/32")], { apply: true });
  await api.db.owner`update wg_peers set enabled = false where name = 'off'`;
  const ask = (body: unknown) => api.request("/api/v1/wireguard/export", { tenant: "acme", body });
  const plain = await ask({});
  assert.deepEqual(plain.body.interface.addresses, ["10.10.0.1/24"]);
  assert.deepEqual(
    plain.body.peers.map((peer: Record<string, unknown>) => [
      peer["name"],
      peer["public_key"],
      peer["preshared_key"],
      peer["has_preshared_key"],
      peer["allowed_ips"],
      peer["wanted"],
    ]),
    [
      ["kept", kept.public_key, null, true, ["10.10.0.8/32"], true],
      ["off", off.public_key, null, false, ["10.10.0.9/32"], false],
    ],
  );
  const secret = await ask({ secrets: true });
  assert.equal(secret.body.peers[0].preshared_key, psk);
  await api.db.owner`
    update wg_peers set preshared_key = decode(repeat('01', 73), 'hex') where name = 'kept'`;
  const lost = await ask({ secrets: true });
  assert.deepEqual(
    [lost.status, lost.body.peers[0].preshared_key, lost.body.peers[0].has_preshared_key],
    [200, null, true],
  );
  const entries = await api.db.owner`
    select details from audit_log where action = 'peer.export' order by id`;
  assert.deepEqual(entries.map((entry) => ({ ...entry.details })), [
    { peers: 2, secrets: false, gateway: 1 },
    { peers: 2, secrets: true, gateway: 1 },
    { peers: 2, secrets: true, gateway: 1 },
  ]);
  assert.ok(!api.log.join("\n").includes(psk));
});

Deno.test("export: through a token, whatever its role, no secret is shown a second time", async () => {
  await using api = await testApi();
  const made = await api.request("/api/v1/tenants", {
    body: { slug: "platform", name: "P", admin_email: "p@p.example", is_platform: true },
  });
  const { tenant, admin } = made.body;
  const { token } = await logIn(api, {
    tenantId: tenant.id,
    slug: "platform",
    userId: admin.id,
    email: admin.email,
    password: admin.password,
  });
  const ask = async (secrets: boolean) =>
    (await api.request("/api/v1/wireguard/export", { token, via: loopback, body: { secrets } }))
      .status;
  assert.deepEqual([await ask(false), await ask(true)], [200, 403]);
});
