import assert from "node:assert/strict";
import { deriveSubkey } from "../../lib/seal.ts";
import { Secret } from "../../lib/secret.ts";
import { decodeKey } from "../../lib/wireguard_key.ts";
import { adminOf, testApi, testSecrets } from "../support/api.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { isEchoed } from "../support/tunnel_lab.ts";
import { until } from "../support/until.ts";
import { TestDaemon, type TestPeer } from "../support/wgd.ts";

/** Two gateways: an interface, a network, a key and a daemon each, in a namespace each, on one database. */
Deno.test("T2, T3, T5: of two gateways each lets in its own peers alone, and one that moves is gone there and let in here", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("one", "two", "client");
  const one = await TestDaemon.create(db, net, { role: "one" });
  await using _one = one;
  const two = await TestDaemon.create(db, net, {
    role: "two",
    subkey: one.subkey,
    env: { WG_INTERFACE_ID: "2", WG_NETWORK: "10.11.0.0/24" },
  });
  await using _two = two;
  await Promise.all([one.start(), two.start()]);
  const answers = (address: string, must = false) => isEchoed(net, "client", { address, must });

  const tenantId = await one.tenant();
  const here = await one.addPeer();
  const there = await two.addPeer({ tenantId });
  assert.deepEqual([here.address, there.address], ["10.10.0.6", "10.11.0.6"]);
  await Promise.all([one.untilState(here, "applied"), two.untilState(there, "applied")]);
  const keys = async (daemon: TestDaemon) => [...(await daemon.dump()).peers.keys()];
  assert.deepEqual([await keys(one), await keys(two)], [[here.publicKey], [there.publicKey]]);
  await one.connect("client", here);
  await until("the first carries packets", () => answers("10.10.0.1"));

  // Moving: a tombstone there and, with a new address, an addition here.
  await db.owner`update wg_peers set deleted_at = now() where id = ${here.id}`;
  const moved: TestPeer = await two.addPeer({ tenantId });
  await until("it is gone from the first", async () => (await keys(one)).length === 0);
  await two.untilState(moved, "applied");
  assert.equal(await answers("10.10.0.1"), false, "and no packet of it is let in");
  await two.connect("client", moved);
  await until("the second carries packets", () => answers("10.11.0.1"));
  await until("the first one's daemon alone deletes its tombstone", async () => {
    return (await db.owner`select from wg_peers where id = ${here.id}`).length === 0;
  });

  // One that ends takes nothing of the other along.
  await one.end("SIGKILL");
  const late = await two.addPeer({ tenantId });
  await two.untilState(late, "applied");
  assert(await answers("10.11.0.1", true));
  const [waiting] = [await one.addPeer({ tenantId })];
  assert.equal(await one.status(waiting), undefined, "its own wait, and say nothing else");
  await one.start();
  await one.untilState(waiting, "applied");
  assert.deepEqual(await keys(one), [waiting.publicKey]);
  assert.deepEqual((await keys(two)).sort(), [there, moved, late].map((p) => p.publicKey).sort());
});

/** The peer as its client has it. */
function clientOf(
  { peer, config }: {
    peer: { id: string; tenant_id: number; public_key: string; address: string };
    config: string;
  },
): TestPeer {
  const line = (name: string) => new RegExp(`^${name} = (.+)$`, "m").exec(config)?.[1] ?? "";
  return {
    tenantId: peer.tenant_id,
    id: peer.id,
    address: peer.address,
    publicKey: peer.public_key,
    privateKey: new Secret(line("PrivateKey")),
    presharedKey: new Secret(line("PresharedKey")),
  };
}

Deno.test("T2, T3, T5: the API places a peer, moves a live client, and says at once which gateway was killed", async () => {
  await using db = await testDatabase();
  await using net = await namespaces("one", "two", "client");
  const subkey = await deriveSubkey(
    new Secret(decodeKey(testSecrets.ENCRYPTION_KEY)),
    "wireguard-preshared-key",
  );
  const one = await TestDaemon.create(db, net, { role: "one", subkey });
  await using _one = one;
  const two = await TestDaemon.create(db, net, {
    role: "two",
    subkey,
    env: { WG_INTERFACE_ID: "2", WG_NETWORK: "10.11.0.0/24" },
  });
  await using _two = two;
  // Beside the first gateway, as on its host.
  await using api = await testApi({
    db,
    gateway: false,
    env: { WGD_SOCKET: one.socket, WG_APPLY_TIMEOUT: "30" },
    inProcess: "its daemons are in namespaces of this test",
  });
  await Promise.all([one.start(), two.start()]);
  const { token } = await adminOf(api, "acme");
  const answers = (address: string, must = false) => isEchoed(net, "client", { address, must });
  const keys = async (daemon: TestDaemon) => [...(await daemon.dump()).peers.keys()];
  const states = async () => {
    const { body } = await api.request("/api/v1/wireguard/gateways");
    return body.items.map((each: { state: string }) => each.state);
  };
  const path = "/api/v1/wireguard/peers";
  await until("both are up", async () => (await states()).join() === "up,up");

  // On the gateway whose daemon the API does not speak to it is active with the answer, too.
  const far = await api.request(path, { token, body: { name: "far", gateway_id: 2 } });
  assert.equal(far.body.peer?.status, "active", far.text);
  assert.deepEqual(await keys(two), [far.body.peer.public_key]);
  const removed = await api.request(`${path}/${far.body.peer.id}`, { method: "DELETE", token });
  assert.deepEqual([removed.status, removed.body], [200, { removed: true }]);
  assert.deepEqual(await keys(two), []);

  const made = await api.request(path, { token, body: { name: "laptop", gateway_id: 1 } });
  assert.equal(made.body.peer.status, "active", made.text);
  await one.connect("client", clientOf(made.body));
  await until("the first carries packets", () => answers("10.10.0.1"));

  const moved = await api.request(`${path}/${made.body.peer.id}/move`, {
    token,
    body: { gateway_id: 2 },
  });
  assert.equal(moved.status, 200, moved.text);
  assert.deepEqual([moved.body.peer.status, moved.body.peer.moved_from], ["active", null]);
  assert.deepEqual(await keys(one), [], "read back without the old key");
  assert.equal(await answers("10.10.0.1"), false, "and no packet of it is let in");
  assert.deepEqual(await keys(two), [moved.body.peer.public_key]);
  const receipts = await db.owner<{ public_key: string; interface_id: number }[]>`
    select public_key, interface_id from wg_receipts where peer_id = ${made.body.peer.id}`;
  assert.deepEqual(receipts.map((row) => ({ ...row })), [
    { public_key: made.body.peer.public_key, interface_id: 1 },
  ]);
  await two.connect("client", clientOf(moved.body));
  await until("the second carries packets", () => answers("10.11.0.1"));

  // A policy is in force where each of them says so; one that cannot is named.
  const beside = await api.request(path, { token, body: { name: "beside", gateway_id: 1 } });
  assert.equal(beside.body.peer?.status, "active", beside.text);
  const policy = "/api/v1/wireguard/policy";
  await net.run("one", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  await net.run("two", ["sysctl", "-qw", "net.ipv4.ip_forward=0"]);
  const opened = await api.request(policy, {
    method: "PUT",
    token,
    body: { peer_to_peer: true, services: [], routes: [] },
  });
  assert.equal(opened.body.status, "rejected", opened.text);
  assert.match(opened.body.error, /^gateway 2 \(.*\): the host does not forward/);
  assert.deepEqual(
    opened.body.gateways.map((each: { status: string }) => each.status),
    ["applied", "rejected"],
  );
  assert.deepEqual(
    opened.body.warnings.map((each: { path: string }) => each.path),
    ["peer_to_peer"],
  );
  await net.run("two", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  await until("the other one follows", async () => {
    const { body } = await api.request(policy, { token });
    return body.status === "applied" && body.error === null;
  });

  await one.end("SIGKILL");
  await until("the API says so", async () => (await states()).join() === "down,up", {
    timeoutMs: 5_000,
  });
  const refused = await api.request(`${path}/${made.body.peer.id}/move`, {
    token,
    body: { gateway_id: 1 },
  });
  assert.equal(refused.body.code, "gateway_down");
  const elsewhere = await api.request(path, { token, body: { name: "next" } });
  assert.equal(elsewhere.body.peer.gateway_id, 2, elsewhere.text);
  assert(await answers("10.11.0.1", true), "what the other carries goes on");

  // Away from a daemon that hangs or is dead: the new one lets it in, and nobody says that the old one let it go.
  await one.start();
  await until("it is up again", async () => (await states()).join() === "up,up");
  await two.end("SIGKILL");
  await until("the API says so", async () => (await states()).join() === "up,down");
  const rescued = await api.request(`${path}/${made.body.peer.id}/move`, {
    token,
    body: { gateway_id: 1 },
  });
  assert.equal(rescued.body.peer?.status, "active", rescued.text);
  assert.equal(rescued.body.peer.moved_from.gateway_id, 2);
  assert.ok((await keys(two)).includes(moved.body.peer.public_key), "which is the truth");
  await two.start();
  await until("proven once it is back", async () => {
    const { body } = await api.request(`${path}/${made.body.peer.id}`, { token });
    return body.moved_from === null;
  });
  assert.ok(!(await keys(two)).includes(moved.body.peer.public_key));
});
