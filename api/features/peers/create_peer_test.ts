import assert from "node:assert/strict";
import { peers } from "../../../tests/support/peer_calls.ts";
import { generateKeyPair, isWireGuardKey } from "../../../lib/wireguard_key.ts";
import { adminOf, loopback, testApi } from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const base = "/api/v1/wireguard/peers";

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
  for (
    const [accept, type] of [
      ["text/plain, */*;q=0.1", "text/plain"],
      ["application/json;q=0, text/plain", "text/plain"],
      ["text/html, */*;q=0.8", "application/json"],
      ["application/json, text/plain, */*", "application/json"],
    ] as const
  ) {
    const made = await make(accept);
    assert.equal(made.headers.get("content-type")?.split(";")[0], type, accept);
  }
  assert.equal((await make("text/plain;q=0")).status, 406);
  const png = await make("image/png;q=0.9");
  assert.equal(png.headers.get("content-type"), "image/png");

  const { publicKey } = await generateKeyPair();
  const before = await databaseDigest(api.db);
  assert.equal((await make("image/png", { public_key: publicKey })).status, 406);
  assert.equal((await make("application/xml")).body.code, "not_acceptable");
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
