import assert from "node:assert/strict";
import {
  assertInvalid,
  grantTo,
  putPolicy,
  readPolicy,
} from "../../../tests/support/policy_calls.ts";
import { adminOf, operator, testApi } from "../../../tests/support/api.ts";
import { until } from "../../../tests/support/until.ts";

const closed = { peer_to_peer: false, services: [], routes: [] };

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
  const made = await grantTo(api, acme, { ports: "443" });
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
    await assertInvalid(api, () => grantTo(api, acme, { name: "n", network }), [
      ["network", "not_grantable"],
    ]);
  }
  await assertInvalid(api, () => grantTo(api, acme, { name: "n", network: "10.1.2.3/8" }), [
    ["network", "custom"],
  ]);
  await assertInvalid(api, () => grantTo(api, acme, { name: "n", protocol: "icmp", ports: "1" }), [
    ["ports", "stray_ports"],
  ]);
  assert.deepEqual([(await grantTo(api, acme)).status, (await grantTo(api, acme)).body.code], [
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
  for (const name of names) await grantTo(api, acme, { name });
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
    (await putPolicy(api, acme, { ...closed, routes: found.map(({ id }) => ({ grant_id: id })) }))
      .body;
  const gone = await api.request(`/api/v1/wireguard/grants/${found[1]?.id}`, {
    method: "DELETE",
    via: operator,
    tenant: acme.slug,
  });
  // No daemon runs here.
  assert.deepEqual([gone.status, gone.body], [202, { removed: false, status: "revoking" }]);
  const after = await readPolicy(api, acme);
  assert.ok(after.version > version, "the version moves with what is lost");
  assert.deepEqual(after.routes.map((route: { grant_id: string }) => route.grant_id), [
    found[0]?.id,
    found[2]?.id,
  ]);
  const [entry] = await api.db.owner`
    select details from audit_log where action = 'wireguard.grant_withdraw'`;
  assert.equal(entry?.details.name, found[1]?.name);
});

Deno.test("policy, grants: who changes what a tenant may reach waits for whoever does, and never for a deadlock", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const grants = await Promise.all(
    ["a", "b", "c", "d"].map(async (name) => (await grantTo(api, acme, { name })).body.id),
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
      putPolicy(api, acme, { ...closed, routes: routes.slice(1) }),
      grantTo(api, acme, { name: "e" }),
      withdraw(first),
    );
    await until("each of the three waits", async () => await waiting() === 3);
    assert.equal((await putPolicy(api, other, closed)).status, 200, "another tenant's do not");
  });
  const [set, made, gone] = (await Promise.all(answers)).map(({ status }) => status);
  assert.deepEqual([set, made], [200, 201]);
  // Whether there is a policy that the daemon has to confirm depends on who came first.
  assert.ok(gone === 200 || gone === 202);

  // The order of locks decides over deadlocks; with the one above there is but one.
  const statuses = await Promise.all(
    Array.from({ length: 30 }, (_, at) => {
      const id = grants[1 + at % 3] ?? "";
      return at % 10 === 9 ? withdraw(id) : putPolicy(api, acme, {
        ...closed,
        routes: at % 2 ? [] : [{ grant_id: id }],
      });
    }),
  );
  for (const { status, text } of statuses) assert.ok([200, 202, 404, 422].includes(status), text);
});
