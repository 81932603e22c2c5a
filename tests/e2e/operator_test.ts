import assert from "node:assert/strict";
import { generateKeyPair, generatePresharedKey } from "../../lib/wireguard_key.ts";
import { cli } from "../support/cli.ts";
import { peerOn, type Stack, stack, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { addWireGuard } from "../support/wireguard.ts";

async function started(): Promise<Stack> {
  const made = await stack();
  await made.daemon.start();
  await made.startApi();
  return made;
}

const command = ({ daemon }: Stack) => (name: string, ...args: string[]) =>
  cli(name, args, { OPERATOR_SOCKET: `${daemon.folder}/operator/api.sock` });

/** Past every trigger, the way a damaged or restored table would lose a row. */
const vanish = ({ db }: Stack, id: string) =>
  db.superuser.begin((tx) => [
    tx`set local session_replication_role = replica`,
    tx`delete from wg_peers where id = ${id}`,
    tx`delete from wg_keys where peer_id = ${id}`,
  ]);

Deno.test("T7: an operator decides over held keys: those and no others go, and the decision is audited", async (t) => {
  await using made = await started();
  const run = command(made);
  const acme = await tenantOn(made, "acme");
  const [kept, lost, other] = [
    await peerOn(made, acme),
    await peerOn(made, acme),
    await peerOn(made, acme),
  ].map(({ peer }) => peer as { id: string; public_key: string; address: string });
  assert.ok(kept && lost && other);
  const onInterface = async () => new Set((await made.daemon.dump()).peers.keys());
  for (const peer of [lost, other]) await vanish(made, peer.id);
  await made.daemon.client.reconcile({});
  const release = (...public_keys: string[]) =>
    made.operator("/wireguard/held-keys/release", { json: { public_keys } });
  const step = async (name: string, work: () => Promise<void>) =>
    assert.ok(await t.step(name, work), name);

  await step("they are listed, with what the interface has of them", async () => {
    const { body } = await made.operator("/wireguard/held-keys");
    assert.deepEqual(
      body.items.map((item: Record<string, unknown>) => [item["public_key"], item["why"]]).sort(),
      [[lost.public_key, "vanished"], [other.public_key, "vanished"]].sort(),
    );
    const first = await made.operator("/wireguard/held-keys?limit=1");
    const second = await made.operator(
      `/wireguard/held-keys?limit=1&cursor=${encodeURIComponent(first.body.next_cursor)}`,
    );
    assert.deepEqual([...first.body.items, ...second.body.items], body.items);
    assert.equal(second.body.next_cursor, null);
    const { code, out } = await run("wg:held");
    assert.equal(code, 0);
    assert.match(out, /^KEY +WHY +ALLOWED IPS/);
    assert.ok(out.includes(lost.public_key) && !out.includes(kept.public_key));
  });
  await step("without a platform tenant nobody's log could say it, so it is refused", async () => {
    const { status, body } = await release(lost.public_key);
    assert.deepEqual([status, body.code], [409, "platform_missing"]);
    assert.ok((await onInterface()).has(lost.public_key));
  });
  const platform = await made.operator("/tenants", {
    json: { slug: "platform", name: "P", admin_email: "p@p.example", is_platform: true },
  });
  await step("a key that has a row is not held, and stays", async () => {
    const { status, body } = await release(kept.public_key);
    assert.deepEqual([status, body.items], [200, [{
      public_key: kept.public_key,
      state: "not_held",
    }]]);
    assert.equal((await made.db.owner`select from wg_release_keys`).length, 0);
  });
  await step("a released key is read back gone, the others stay", async () => {
    const { status, body } = await release(lost.public_key);
    assert.deepEqual([status, body.items], [200, [{
      public_key: lost.public_key,
      state: "removed",
    }]]);
    assert.deepEqual(await onInterface(), new Set([kept.public_key, other.public_key]));
    const entries = await made.db.owner`
      select tenant_id, actor, details from audit_log where action = 'wireguard.keys_released'`;
    assert.deepEqual(entries.map((entry) => ({ ...entry })), [{
      tenant_id: platform.body.tenant.id,
      actor: "operator",
      details: { public_keys: [lost.public_key] },
    }]);
  });
  await step("a key that got a row after the decision stays", async () => {
    // The daemon cannot carry it out before the row is there.
    await made.daemon.end("SIGKILL");
    await made.db.owner`insert into wg_release_keys (interface_id, public_key)
      values (1, ${other.public_key})`;
    const { body } = await made.operator("/wireguard/import", {
      tenant: acme.id,
      json: {
        apply: true,
        peers: [{
          name: "back",
          public_key: other.public_key,
          allowed_ips: ["10.10.0.77/32"],
        }],
      },
    });
    assert.equal(body.items?.[0].verdict, "taken", JSON.stringify(body));
    await made.daemon.start();
    await until(
      "the decision is used up",
      async () => (await made.db.owner`select from wg_release_keys`).length === 0,
    );
    const found = (await made.daemon.dump()).peers.get(other.public_key);
    assert.deepEqual(found?.allowedIps, ["10.10.0.77/32"]);
    const { body: explained } = await made.operator(
      `/wireguard/peers/${body.items[0].peer_id}/explain`,
      { tenant: acme.id },
    );
    assert.equal(explained.on_interface, true, JSON.stringify(explained));
  });
  await step("--all takes what is listed; with the daemon away nothing is decided", async () => {
    await vanish(made, kept.id);
    await made.daemon.client.reconcile({});
    const { code, out } = await run("wg:release", "--all");
    assert.deepEqual([code, out], [0, `${kept.public_key} is gone from the interface\n`]);
    assert.equal((await run("wg:held")).out, "no key is held\n");
    assert.equal((await run("wg:release")).code, 2);
    await made.daemon.end();
    const away = await release(other.public_key);
    assert.deepEqual([away.status, away.body.code], [503, "daemon_unavailable"]);
    assert.equal((await made.db.owner`select from wg_release_keys`).length, 0);
  });
});

Deno.test("explain: desired, applied and observed side by side, to the receipt at the end", async (t) => {
  await using made = await started();
  const run = command(made);
  const acme = await tenantOn(made, "acme");
  const other = await tenantOn(made, "other");
  const { peer } = await peerOn(made, acme, { name: "ada" });
  const explain = (tenant = acme, id: string = peer.id) =>
    made.operator(`/wireguard/peers/${id}/explain`, { tenant: tenant.id });
  const codes = async () =>
    (await explain()).body.reasons.map(({ code }: { code: string }) => code);
  const step = async (name: string, work: () => Promise<void>) =>
    assert.ok(await t.step(name, work), name);

  await step("a peer as it should be", async () => {
    const { status, body } = await explain();
    assert.equal(status, 200);
    assert.equal(body.on_interface, true);
    assert.deepEqual(await codes(), ["applied"]);
    assert.deepEqual(body.observed.map((seen: { allowed_ips: string[] }) => seen.allowed_ips), [
      [`${peer.address}/32`],
    ]);
    assert.deepEqual(
      body.packets.map(({ verdict }: { verdict: string }) => verdict),
      ["drop", "accept", "accept", "drop"],
    );
    const { code, out } = await run("wg:explain", "--tenant", "acme", "ada");
    assert.equal(code, 0);
    assert.match(out, /on the interface: yes\n {2}applied: /);
    assert.match(out, /accept +TCP to port 8000 of 10\.10\.0\.1 and 10\.10\.0\.2/);
  });
  await step("T9: what its tenant opened, as far as it is in force", async () => {
    const opened = async () => {
      const { packets } = (await explain()).body;
      return packets.find(({ traffic }: { traffic: string }) => /other peers of/.test(traffic));
    };
    await made.net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=0"]);
    await made.db
      .owner`insert into wg_policies (tenant_id, peer_to_peer) values (${acme.id}, true)`;
    const rejected = await until("it is rejected", async () => {
      const found = await opened();
      return found?.verdict === "drop" && found;
    });
    assert.match(rejected.why, /net\.ipv4\.ip_forward=1/);
    await made.net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    await until("it is in force", async () => (await opened())?.verdict === "accept");
    await made.db.owner`delete from wg_policies where tenant_id = ${acme.id}`;
    assert.equal(await opened(), undefined);
  });
  await step("N3: another tenant's peer is unknown", async () => {
    const theirs = await explain(other);
    const unknown = await explain(other, crypto.randomUUID());
    assert.equal(theirs.status, 404);
    assert.deepEqual(
      { ...theirs.body, request_id: "" },
      { ...unknown.body, request_id: "" },
    );
  });
  await step("disabled", async () => {
    await made.operator(`/wireguard/peers/${peer.id}/disable`, {
      method: "POST",
      tenant: acme.id,
    });
    assert.deepEqual(await codes(), ["disabled"]);
    const { body } = await explain();
    assert.deepEqual([body.on_interface, body.packets[0].verdict], [false, "drop"]);
  });
  await step("its tenant suspended, too", async () => {
    await made.db.owner`update tenants set status = 'suspended' where id = ${acme.id}`;
    assert.deepEqual(await codes(), ["disabled", "tenant_suspended"]);
    await made.db.owner`update tenants set status = 'active' where id = ${acme.id}`;
  });
  await step("the daemon away: said, and nothing claimed", async () => {
    await made.daemon.end();
    await made.operator(`/wireguard/peers/${peer.id}/enable`, { method: "POST", tenant: acme.id });
    const { body } = await explain();
    assert.deepEqual(await codes(), ["pending", "daemon_unreachable"]);
    assert.deepEqual(
      [body.on_interface, body.observed, body.packets[0].verdict],
      [null, null, "unknown"],
    );
    await made.daemon.start();
    await until("it is applied", async () => (await codes()).join() === "applied");
  });
  await step("removed: its receipt stays, and is verified without believing the API", async () => {
    const { status, body } = await made.operator(`/wireguard/peers/${peer.id}`, {
      method: "DELETE",
      tenant: acme.id,
    });
    assert.deepEqual([status, body.removed], [200, true]);
    const explained = (await explain()).body;
    assert.deepEqual([explained.desired, explained.on_interface], [null, false]);
    assert.deepEqual(await codes(), ["removed"]);
    const [receipt, ...more] = explained.receipts;
    assert.deepEqual(
      [receipt.public_key, receipt.what, receipt.is_current_key, more.length],
      [peer.public_key, "peer", true, 0],
    );
    const listed = await made.operator(`/wireguard/receipts?peer_id=${peer.id}`, {
      tenant: acme.id,
    });
    assert.deepEqual(listed.body, { items: [receipt], next_cursor: null });
    assert.deepEqual(
      (await made.operator("/wireguard/receipts", { tenant: other.id })).body.items,
      [],
    );
    assert.equal((await explain(other)).status, 404);
    const good = await run("wg:explain", "--tenant", "acme", peer.id);
    assert.equal(good.code, 0);
    assert.match(good.out, /peer \S{44} {2}signed by the gateway's key/);
    await made.db.owner`update wg_receipts set read_back_at = read_back_at - interval '1 day'`;
    const bad = await run("wg:explain", "--tenant", "acme", peer.id);
    assert.equal(bad.code, 1);
    assert.match(bad.out, /THE SIGNATURE IS NOT GOOD/);
  });
});

Deno.test("import, export: a file in, tunnels active, and the same out again for wg-quick", async () => {
  await using made = await started();
  const run = command(made);
  await tenantOn(made, "acme");
  const psk = generatePresharedKey().reveal();
  const [ada, bob, eve] = await Promise.all([1, 2, 3].map(generateKeyPair));
  assert.ok(ada && bob && eve);
  const file = `${made.daemon.folder}/wg0.conf`;
  await Deno.writeTextFile(
    file,
    `[Interface]
PrivateKey = ${eve.privateKey.reveal()}
Address = 10.10.0.1/24
ListenPort = 51820
PostUp = iptables -A FORWARD -i wg0 -j ACCEPT

# Client: ada (0e1f3a5c-7b9d-4f2e-8a6c-1d3b5f7a9c0e)
[Peer]
PublicKey = ${ada.publicKey}
PresharedKey = ${psk}
AllowedIPs = 10.10.0.8/32

# Client: bob
[Peer]
PublicKey = ${bob.publicKey}
AllowedIPs = 10.10.0.2/32
`,
  );
  const tried = await run("wg:import", "--tenant", "acme", file);
  assert.equal(tried.code, 0, tried.err);
  assert.match(tried.out, /^\d+ +ada +10\.10\.0\.8\/32 +10\.10\.0\.8 +taken$/m);
  assert.match(tried.out, /^\d+ +bob .* - +refused +its address is reserved here$/m);
  assert.match(tried.out, /nothing was changed: taken 1, renumbered 0, present 0, refused 1/);
  assert.match(tried.out, /not taken over: PostUp/);
  assert.equal((await made.db.owner`select from wg_peers`).length, 0);

  const done = await run("wg:import", "--tenant", "acme", file, "--renumber", "--apply");
  assert.equal(done.code, 0, done.out + done.err);
  assert.match(done.out, /ada .* taken, active$/m);
  assert.match(done.out, /bob .* 10\.10\.0\.6 +renumbered, active +its address is reserved here$/m);
  const { peers } = await made.daemon.dump();
  assert.equal(peers.get(ada.publicKey)?.presharedKey?.reveal(), psk);
  assert.deepEqual(peers.get(ada.publicKey)?.allowedIps, ["10.10.0.8/32"]);
  assert.deepEqual(peers.get(bob.publicKey)?.allowedIps, ["10.10.0.6/32"]);
  for (const { out, err } of [tried, done]) assert.ok(!(out + err).includes(psk));

  const out = `${made.daemon.folder}/out.conf`;
  const exported = await run("wg:export", "--secrets", "--out", out);
  assert.equal(exported.code, 0, exported.err);
  assert.equal(((await Deno.stat(out)).mode ?? 0) & 0o777, 0o600);
  const stripped = await made.net.run("server", ["wg-quick", "strip", out]);
  assert.match(stripped, /^ListenPort = 51820$/m);
  assert.doesNotMatch(stripped, /^(Address|MTU)/m);
  // What wg itself makes of it: the very peers of the gateway.
  const copy = `${made.daemon.name}c`;
  await addWireGuard(made.net, "server", copy);
  try {
    const config = stripped.replace(/^ListenPort.*$/m, "");
    await made.net.run("server", ["wg", "setconf", copy, "/dev/stdin"], { stdin: config });
    const settings = async (name: string) =>
      (await made.net.run("server", ["wg", "show", name, "dump"])).trim().split("\n").slice(1)
        .map((line) => line.split("\t").filter((_, at) => at === 0 || at === 1 || at === 3).join())
        .sort();
    assert.deepEqual(await settings(copy), await settings(made.daemon.name));
  } finally {
    await made.net.exec("server", ["ip", "link", "delete", copy]);
  }
  const again = await run("wg:import", "--tenant", "acme", out, "--apply");
  assert.match(again.out, /taken 0, renumbered 0, present 2, refused 0/);
  assert.equal(again.code, 0);

  const plain = await run("wg:export", "--tenant", "acme");
  assert.ok(!plain.out.includes(psk));
  assert.match(plain.out, /# It has a PresharedKey, which is not in this file/);
  const refused = await run("wg:export", "--tenant", "nobody", "--out", `${out}.2`);
  assert.equal(refused.code, 1);
  await assert.rejects(Deno.stat(`${out}.2`), Deno.errors.NotFound, "no empty file is left");
});
