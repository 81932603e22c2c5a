import assert from "node:assert/strict";
import {
  adminOf,
  operator,
  type Persona,
  type TestApi,
  testApi,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/snapshot.ts";
import { until } from "../../../tests/support/until.ts";

const unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
const closed = { peer_to_peer: false, services: [], routes: [] };

const put = (api: TestApi, who: Persona, body: unknown) =>
  api.request("/api/v1/wireguard/policy", { method: "PUT", token: who.token, body });
const read = async (api: TestApi, who: Persona) =>
  (await api.request("/api/v1/wireguard/policy", { token: who.token })).body;
const grant = (api: TestApi, who: Persona, body: Record<string, unknown> = {}) =>
  api.request("/api/v1/wireguard/grants", {
    via: operator,
    tenant: who.slug,
    body: { name: "office", network: "198.51.100.0/24", protocol: "tcp", ...body },
  });
const peerOf = async (api: TestApi, who: Persona, more: Record<string, unknown> = {}) =>
  (await api.request("/api/v1/wireguard/peers", {
    token: who.token,
    body: { name: "server", ...more },
  })).body.peer.id;

/** Refused for these fields, and nothing changed. */
async function assertInvalid(
  api: TestApi,
  send: () => Promise<{ status: number; text: string; body: { errors: Record<string, string>[] } }>,
  expected: [path: string, code: string][],
) {
  const before = await databaseDigest(api.db);
  const reply = await send();
  assert.equal(reply.status, 422, reply.text);
  assert.deepEqual(reply.body.errors.map(({ path, code }) => [path, code]), expected);
  assert.deepEqual(await databaseDigest(api.db), before);
}

Deno.test("policy: closed where none was set; what is set is pending until the daemon has it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  assert.deepEqual(await read(api, acme), {
    version: 0,
    status: "applied",
    error: null,
    ...closed,
    gateways: [],
    warnings: [],
    updated_at: null,
  });
  const peer = await peerOf(api, acme);
  const granted = (await grant(api, acme, { ports: "400-500" })).body;
  const services = [{ name: "web", peer_id: peer, protocol: "tcp", ports: "443" }];
  const { status, body } = await put(api, acme, {
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
  assert.deepEqual(await read(api, acme), body);

  // As the daemon writes it.
  await api.db.owner`
    insert into wg_policy_outcomes (tenant_id, interface_id, version, state, error)
    values (${acme.tenantId}, 1, ${body.version}, 'rejected', 'because')`;
  assert.deepEqual([(await read(api, acme)).status, (await read(api, acme)).error], [
    "rejected",
    "because",
  ]);
  const next = (await put(api, acme, closed)).body;
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
});

Deno.test("T9: policy: opens nothing beyond a grant, and names the field", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const { id } = (await grant(api, acme, { ports: "400-500" })).body;
  const any = (await grant(api, acme, { name: "all", protocol: "any" })).body.id;
  const routes = (...entries: Record<string, unknown>[]) => () =>
    put(api, acme, {
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
  await assertInvalid(api, () => put(api, acme, { peer_to_peer: true }), [
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
  const theirs = { peer: await peerOf(api, other), grant: (await grant(api, other)).body.id };
  const ask = (peer: string, grantId: string) =>
    put(api, acme, {
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

Deno.test("grants: the operator gives them, never to a tunnel or to infrastructure", async () => {
  await using api = await testApi({
    env: {
      WG_NETWORK6: "fd6d:617a::/64",
      // A host that nobody speaks to here.
      SMTP_URL: "smtp://192.0.2.25",
      MAIL_FROM: "no-reply@vpn.example",
    },
  });
  await api.db.owner`update wg_interfaces set network6 = 'fd6d:617a::/64'`;
  const acme = await adminOf(api, "acme");
  const made = await grant(api, acme, { ports: "443" });
  assert.equal(made.status, 201, made.text);
  const { id, created_at, ...rest } = made.body;
  assert.ok(id && created_at);
  assert.deepEqual(rest, {
    name: "office",
    network: "198.51.100.0/24",
    protocol: "tcp",
    ports: "443",
  });
  for (
    const network of [
      ...["10.10.0.0/25", "10.10.0.0/16", "10.10.0.7/32", "10.0.0.0/8", "fd6d:617a::7/128"],
      ...["192.0.2.25/32", "192.0.2.0/24"],
      ...[
        "127.0.0.1/32",
        "169.254.169.254/32",
        "169.254.0.0/16",
        "224.0.0.0/4",
        "255.255.255.255/32",
      ],
      ...["0.0.0.0/0", "10.0.0.0/7", "fe80::/64", "::1/128", "::/0", "ff02::/16", "fd00:ec2::/64"],
    ]
  ) {
    await assertInvalid(api, () => grant(api, acme, { name: "n", network }), [
      ["network", "not_grantable"],
    ]);
  }
  await assertInvalid(api, () => grant(api, acme, { name: "n", network: "10.1.2.3/8" }), [
    ["network", "custom"],
  ]);
  await assertInvalid(api, () => grant(api, acme, { name: "n", protocol: "icmp", ports: "1" }), [
    ["ports", "stray_ports"],
  ]);
  assert.deepEqual([(await grant(api, acme)).status, (await grant(api, acme)).body.code], [
    409,
    "grant_name_taken",
  ]);
  const byAdmin = await api.request("/api/v1/wireguard/grants", {
    token: acme.token,
    body: { name: "mine", network: "203.0.113.0/24", protocol: "any" },
  });
  assert.deepEqual([byAdmin.status, byAdmin.body.code], [403, "forbidden"]);
});

Deno.test("grants: listed page by page for the tenant; a withdrawn one takes along what rests on it", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const names = ["a", "b", "c"];
  for (const name of names) await grant(api, acme, { name });
  const found: { id: string; name: string }[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const { body } = await api.request(
      `/api/v1/wireguard/grants?limit=2${cursor ? `&cursor=${cursor}` : ""}`,
      { token: acme.token },
    );
    found.push(...body.items);
    cursor = body.next_cursor;
  }
  // Of one millisecond, which is first is a matter of chance.
  assert.deepEqual(found.map(({ name }) => name).sort(), names);
  const { version } =
    (await put(api, acme, { ...closed, routes: found.map(({ id }) => ({ grant_id: id })) })).body;
  const gone = await api.request(`/api/v1/wireguard/grants/${found[1]?.id}`, {
    method: "DELETE",
    via: operator,
    tenant: acme.slug,
  });
  // No daemon runs here.
  assert.deepEqual([gone.status, gone.body], [202, { removed: false, status: "revoking" }]);
  const after = await read(api, acme);
  assert.ok(after.version > version, "the version moves with what is lost");
  assert.deepEqual(after.routes.map((route: { grant_id: string }) => route.grant_id), [
    found[0]?.id,
    found[2]?.id,
  ]);
  const [entry] = await api.db.owner`
    select details from audit_log where action = 'wireguard.grant_withdraw'`;
  assert.equal(entry?.details.name, found[1]?.name);
});

Deno.test("policy: replacements and withdrawals at once end in one of them, and in no error", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  for (let round = 0; round < 5; round++) {
    const { id } = (await grant(api, acme, { name: `g${round}` })).body;
    const replies = await Promise.all([
      ...Array.from({ length: 4 }, () => put(api, acme, { ...closed, routes: [{ grant_id: id }] })),
      api.request(`/api/v1/wireguard/grants/${id}`, {
        method: "DELETE",
        via: operator,
        tenant: acme.slug,
      }),
    ]);
    assert.deepEqual(replies.map(({ status }) => status).filter((status) => status >= 500), []);
    assert.deepEqual((await read(api, acme)).routes, []);
  }
});

Deno.test("policy, grants: who changes what a tenant may reach waits for whoever does, and never for a deadlock", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const grants = await Promise.all(
    ["a", "b", "c", "d"].map(async (name) => (await grant(api, acme, { name })).body.id),
  );
  const [first = ""] = grants;
  const routes = grants.map((grant_id) => ({ grant_id }));
  const withdraw = (id: string) =>
    api.request(`/api/v1/wireguard/grants/${id}`, {
      method: "DELETE",
      via: operator,
      tenant: acme.slug,
    });
  const waiting = async () => {
    const [row] = await api.db.superuser<{ n: number }[]>`
      select count(*)::int as n from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and wait_event = 'advisory'`;
    return row?.n;
  };
  const answers: Promise<{ status: number }>[] = [];
  await api.db.owner.begin(async (sql) => {
    await sql`select pg_advisory_xact_lock(hashtext('wg_policies'), ${acme.tenantId})`;
    answers.push(
      put(api, acme, { ...closed, routes: routes.slice(1) }),
      grant(api, acme, { name: "e" }),
      withdraw(first),
    );
    await until("each of the three waits", async () => await waiting() === 3);
    assert.equal((await put(api, other, closed)).status, 200, "another tenant's do not");
  });
  const [set, made, gone] = (await Promise.all(answers)).map(({ status }) => status);
  assert.deepEqual([set, made], [200, 201]);
  // Whether there is a policy that the daemon has to confirm depends on who came first.
  assert.ok(gone === 200 || gone === 202);

  // The order of locks decides over deadlocks; with the one above there is but one.
  const statuses = await Promise.all(
    Array.from({ length: 30 }, (_, at) => {
      const id = grants[1 + at % 3] ?? "";
      return at % 10 === 9 ? withdraw(id) : put(api, acme, {
        ...closed,
        routes: at % 2 ? [] : [{ grant_id: id }],
      });
    }),
  );
  for (const { status, text } of statuses) assert.ok([200, 202, 404, 422].includes(status), text);
});
