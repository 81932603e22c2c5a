import assert from "node:assert/strict";
import {
  assertInvalid,
  grantTo,
  putPolicy,
  readPolicy,
} from "../../../tests/support/policy_calls.ts";
import {
  adminOf,
  operator,
  type Persona,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/database_digest.ts";

const unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
const closed = { peer_to_peer: false, services: [], routes: [] };

const peerOf = async (api: TestApi, who: Persona, more: Record<string, unknown> = {}) =>
  (await api.request("/api/v1/wireguard/peers", {
    token: who.token,
    body: { name: "server", ...more },
  })).body.peer.id;

Deno.test("policy: closed where none was set; what is set is pending until the daemon has it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  assert.deepEqual(await readPolicy(api, acme), {
    version: 0,
    status: "applied",
    error: null,
    ...closed,
    gateways: [],
    warnings: [],
    updated_at: null,
  });
  const peer = await peerOf(api, acme);
  const granted = (await grantTo(api, acme, { ports: "400-500" })).body;
  const services = [{ name: "web", peer_id: peer, protocol: "tcp", ports: "443" }];
  const { status, body } = await putPolicy(api, acme, {
    peer_to_peer: false,
    services,
    routes: [{ grant_id: granted.id }, {
      grant_id: granted.id,
      network: "198.51.100.7/32",
      ports: "443",
    }],
  });
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.status, "pending");
  assert.deepEqual(body.services, services);
  assert.deepEqual(body.routes, [
    { grant_id: granted.id, network: "198.51.100.0/24", protocol: "tcp", ports: "400-500" },
    { grant_id: granted.id, network: "198.51.100.7/32", protocol: "tcp", ports: "443" },
  ]);
  assert.deepEqual(await readPolicy(api, acme), body);

  // As the daemon writes it.
  await api.db.owner`
    insert into wg_policy_outcomes (tenant_id, interface_id, version, state, error)
    values (${acme.tenantId}, 1, ${body.version}, 'rejected', 'because')`;
  assert.deepEqual([(await readPolicy(api, acme)).status, (await readPolicy(api, acme)).error], [
    "rejected",
    "because",
  ]);
  const next = (await putPolicy(api, acme, closed)).body;
  assert.ok(next.version > body.version);
  assert.deepEqual([next.status, next.error], ["pending", null], "an older version proves nothing");
  assert.deepEqual([next.peer_to_peer, next.services, next.routes], [false, [], []]);
  const entries = await api.db.owner`
    select action, details from audit_log where tenant_id = ${acme.tenantId}
      and action like 'wireguard.%' order by id`;
  assert.deepEqual(entries.map((entry) => entry.action), [
    "wireguard.grant",
    "wireguard.policy_set",
    "wireguard.policy_set",
  ]);
  assert.deepEqual(entries[2]?.details.before.services, services);
  assert.deepEqual(entries[2]?.details.after.services, []);

  // The same again says nothing new, and of a change only what is another now stands there.
  const entriesOf = () =>
    api.db.owner`
      select details, octet_length(details::text) as bytes from audit_log
      where tenant_id = ${acme.tenantId} and action = 'wireguard.policy_set' order by id`;
  assert.equal((await putPolicy(api, acme, closed)).status, 200);
  assert.equal((await entriesOf()).length, 2);
  const most = (face: string) =>
    Array.from(
      { length: 128 },
      (_, n) => ({ ...services[0], name: face.repeat(64), ports: `${60000 + n}` }),
    );
  const grins = most("\u{1F601}");
  const one = [...grins.slice(1), { ...services[0], name: "one" }];
  for (const services of [most("\u{1F600}"), grins, one]) {
    const reply = await putPolicy(api, acme, { ...closed, services });
    assert.equal(reply.status, 200, reply.text);
  }
  const [, , , swapped, last] = await entriesOf();
  assert.ok(swapped?.bytes <= 64 * 1024, `${swapped?.bytes}`);
  assert.equal(swapped?.details.before.services.length, 128);
  assert.equal(swapped?.details.after.services[127].ports, "60127");
  assert.equal(last?.details.before.services.length, 1);
  assert.deepEqual(
    last?.details.after.services.map((entry: { name: string }) => entry.name),
    ["one"],
  );
});

Deno.test("T9: policy: opens nothing beyond a grant, and names the field", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { id } = (await grantTo(api, acme, { ports: "400-500" })).body;
  const any = (await grantTo(api, acme, { name: "all", protocol: "any" })).body.id;
  const routes = (...entries: Record<string, unknown>[]) => () =>
    putPolicy(api, acme, {
      ...closed,
      routes: entries.map((entry) => ({ grant_id: id, ...entry })),
    });
  await assertInvalid(api, routes({}, { network: "198.51.0.0/16" }), [
    ["routes.1.network", "not_granted"],
  ]);
  await assertInvalid(api, routes({ network: "203.0.113.0/24" }), [
    ["routes.0.network", "not_granted"],
  ]);
  await assertInvalid(api, routes({ protocol: "udp" }, { protocol: "any" }), [
    ["routes.0.protocol", "not_granted"],
    ["routes.1.protocol", "not_granted"],
  ]);
  await assertInvalid(api, routes({ ports: "399" }, { ports: "500-501" }, { ports: "1-65535" }), [
    ["routes.0.ports", "not_granted"],
    ["routes.1.ports", "not_granted"],
    ["routes.2.ports", "not_granted"],
  ]);
  await assertInvalid(api, routes({ grant_id: any, ports: "443" }), [[
    "routes.0.ports",
    "stray_ports",
  ]]);
  await assertInvalid(
    api,
    routes({ network: "198.51.100.1/24" }, { ports: "0" }, { ports: "2-1" }, { ports: "65536" }),
    [
      ["routes.0.network", "custom"],
      ["routes.1.ports", "custom"],
      ["routes.2.ports", "custom"],
      ["routes.3.ports", "custom"],
    ],
  );
  await assertInvalid(api, () => putPolicy(api, acme, { peer_to_peer: true }), [
    ["services", "invalid_type"],
    ["routes", "invalid_type"],
  ]);
  const narrowed = await routes({ grant_id: any, protocol: "udp", ports: "53" })();
  assert.equal(narrowed.status, 200, narrowed.text);
});

Deno.test("N3: policy: another tenant's peer and grant are unknown, like those that nobody has", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const theirs = { peer: await peerOf(api, other), grant: (await grantTo(api, other)).body.id };
  const ask = (peer: string, grantId: string) =>
    putPolicy(api, acme, {
      peer_to_peer: false,
      services: [{ name: "x", peer_id: peer, protocol: "tcp", ports: "1" }],
      routes: [{ grant_id: grantId }],
    });
  await assertInvalid(api, () => ask(theirs.peer, theirs.grant), [
    ["services.0.peer_id", "unknown"],
    ["routes.0.grant_id", "unknown"],
  ]);
  const [known, nobodys] = [await ask(theirs.peer, theirs.grant), await ask(unknown, unknown)];
  assert.deepEqual(known.body.errors, nobodys.body.errors);
  const enrolling = await peerOf(api, acme, {
    kind: "enrolment",
    expires_at: new Date(api.clock.now() + 3_600_000).toISOString(),
  });
  const reply = await ask(enrolling, theirs.grant);
  assert.equal(reply.body.errors[0].path, "services.0.peer_id", "an enrolment peer serves nobody");
  const deletion = (id: string) =>
    api.request(`/api/v1/wireguard/grants/${id}`, {
      method: "DELETE",
      via: operator,
      tenant: acme.slug,
    });
  const before = await databaseDigest(api.db);
  const answers = [await deletion(theirs.grant), await deletion(unknown)].map(
    ({ status, body }) => {
      const { request_id: _, ...rest } = body;
      return [status, rest];
    },
  );
  assert.equal(answers[0]?.[0], 404);
  assert.deepEqual(answers[0], answers[1]);
  assert.deepEqual(await databaseDigest(api.db), before);
  assert.deepEqual(
    (await api.request("/api/v1/wireguard/grants", { token: acme.token })).body.items,
    [],
  );
});

Deno.test("policy: replacements and withdrawals at once end in one of them, and in no error", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  for (let round = 0; round < 5; round++) {
    const { id } = (await grantTo(api, acme, { name: `g${round}` })).body;
    const replies = await Promise.all([
      ...Array.from(
        { length: 4 },
        () => putPolicy(api, acme, { ...closed, routes: [{ grant_id: id }] }),
      ),
      api.request(`/api/v1/wireguard/grants/${id}`, {
        method: "DELETE",
        via: operator,
        tenant: acme.slug,
      }),
    ]);
    assert.deepEqual(replies.map(({ status }) => status).filter((status) => status >= 500), []);
    assert.deepEqual((await readPolicy(api, acme)).routes, []);
  }
});

Deno.test("policy: a tenant changes it so many times a minute, whoever of it asks; what is refused is not written", async () => {
  await using api = await testApi({
    env: { RATE_LIMIT_POLICY: "" },
    inProcess: "tells of a quota what one process has counted",
  });
  const acme = await adminOf(api, "acme");
  const second = await userOf(api, acme, { email: "second@acme.example", role: "admin" });
  const open = { ...closed, peer_to_peer: true };
  const changes = Array.from(
    { length: 30 },
    (_, n) => putPolicy(api, n % 2 ? acme : second, n % 4 < 2 ? open : closed),
  );
  const refused = (await Promise.all(changes)).filter(({ status }) => status !== 200);
  assert.deepEqual(refused.map(({ body }) => body.code), Array(10).fill("rate_limited"));
  assert.equal(refused[0]?.headers.get("ratelimit-policy"), '"policy";q=20;w=60');
  const before = await databaseDigest(api.db);
  assert.equal((await putPolicy(api, acme, open)).status, 429);
  assert.deepEqual(await databaseDigest(api.db), before);
  // Another tenant, and the operator for this one, have theirs.
  assert.equal((await putPolicy(api, await adminOf(api, "other"), open)).status, 200);
  const byOperator = { method: "PUT", body: open, tenant: "acme", via: operator };
  assert.equal((await api.request("/api/v1/wireguard/policy", byOperator)).status, 200);
});
