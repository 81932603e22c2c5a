import assert from "node:assert/strict";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { type SeededTenant, seedInterface, seedTenant } from "../support/seed.ts";
import { until } from "../support/until.ts";
import { attempt, insufficientPrivilege, type Persona } from "./persona.ts";

interface World extends AsyncDisposable {
  db: TestDatabase;
  a: SeededTenant;
  version(): Promise<bigint>;
  refusal(persona: Persona, statement: string): Promise<string | undefined>;
}

/** A tenant with a grant of 198.51.100.0/24 over TCP, a route over all of it, and a service of its peer. */
async function world(): Promise<World> {
  const db = await testDatabase();
  await seedInterface(db.owner);
  const a = await seedTenant(db.owner, "alpha");
  return {
    db,
    a,
    async version() {
      const [row] = await db.owner`
        select version::text from wg_policies where tenant_id = ${a.id}`;
      return BigInt(row?.version);
    },
    async refusal(persona, statement) {
      const { refused } = await attempt(db, persona, statement, () => Promise.resolve());
      return refused?.constraint || refused?.code;
    },
    [Symbol.asyncDispose]: () => db[Symbol.asyncDispose](),
  };
}

Deno.test("T9: wg_policy_routes: nothing beyond a grant is taken, whoever writes", async () => {
  await using given = await world();
  const { a, refusal } = given;
  const persona: Persona = { role: "massacorp_api", tenant: a.id };
  await given.db.owner`
    insert into wg_grants (tenant_id, id, name, network, protocol, port_from, port_to)
    values (${a.id}, '01890a5d-ac96-774b-bcce-b302099a8057', 'web', '203.0.113.0/24', 'tcp', 400, 500)`;
  const route = (network: string, protocol: string, ports = "null, null") =>
    refusal(
      persona,
      `insert into wg_policy_routes (tenant_id, position, grant_id, network, protocol, port_from, port_to)
        values (${a.id}, 99, '01890a5d-ac96-774b-bcce-b302099a8057', '${network}', '${protocol}', ${ports})`,
    );
  assert.equal(await route("203.0.113.7/32", "tcp", "443, 443"), undefined);
  for (
    const [network, protocol, ports] of [
      ["203.0.112.0/23", "tcp", "443, 443"],
      ["198.51.100.0/24", "tcp", "443, 443"],
      ["2001:db8::/64", "tcp", "443, 443"],
      ["203.0.113.0/24", "udp", "443, 443"],
      ["203.0.113.0/24", "any", "null, null"],
      ["203.0.113.0/24", "tcp", "null, null"],
      ["203.0.113.0/24", "tcp", "399, 443"],
      ["203.0.113.0/24", "tcp", "443, 501"],
    ] as const
  ) {
    const constraint = await route(network, protocol, ports);
    assert.equal(constraint, "wg_policy_routes_are_granted", `${network} ${protocol} ${ports}`);
  }
  const more = "insert into wg_policy_routes (tenant_id, position, grant_id, network, protocol)";
  assert.equal(
    await refusal(
      persona,
      `${more} select tenant_id, 129, id, network, protocol from wg_grants limit 1`,
    ),
    "wg_policy_routes_are_at_most_128",
  );
});

Deno.test("T9: wg_policies: what goes with a peer or a grant moves the version, by whatever role", async () => {
  await using given = await world();
  const { db, a, version } = given;
  const as = async (role: "massacorp_wgd" | "massacorp_platform", statement: string) => {
    const sql = await db.superuser.reserve();
    try {
      await sql`begin`;
      await sql.unsafe(`set local role ${role}`);
      await sql`select set_config('app.tenant_id', ${String(a.id)}, true)`;
      assert.equal((await sql.unsafe(statement)).count, 1);
      await sql`commit`;
    } finally {
      sql.release();
    }
  };
  const count = async () =>
    (await db.owner`
      select (select count(*)::int from wg_policy_services) as services,
        (select count(*)::int from wg_policy_routes) as routes`)[0];
  const heard: string[] = [];
  const { unlisten } = await db.owner.listen("wg_desired", (payload) => heard.push(payload));
  const first = await version();
  await db.owner`update wg_peers set deleted_at = now() where id = ${a.peerId}`;
  await as("massacorp_wgd", `delete from wg_peers where id = '${a.peerId}'`);
  const second = await version();
  assert.ok(second > first);
  assert.deepEqual({ ...await count() }, { services: 0, routes: 1 });
  // Notifications keep the order of commits: what came before this one is none of what comes next.
  await db.owner`select pg_notify('wg_desired', 'so far')`;
  await until("all so far is heard", () => heard.includes("so far"));
  heard.length = 0;
  await as("massacorp_platform", "delete from wg_grants");
  assert.ok(await version() > second);
  assert.deepEqual({ ...await count() }, { services: 0, routes: 0 });
  await until("the daemons are told", () => heard.includes("*"));
  await unlisten();
});

Deno.test("wg_grants: no tunnel grows into one, and none is made inside a tunnel", async () => {
  await using given = await world();
  const { db, a, refusal } = given;
  const grant = (network: string) =>
    refusal(
      { role: "massacorp_platform", tenant: a.id },
      `insert into wg_grants (tenant_id, id, name, network, protocol)
        values (${a.id}, gen_random_uuid(), 'n', '${network}', 'any')`,
    );
  await db.owner`update wg_interfaces set network6 = 'fd00:1::/64'`;
  for (
    const network of ["10.10.0.0/24", "10.10.0.9/32", "10.0.0.0/8", "fd00:1::/48", "fd00:1::9/128"]
  ) {
    assert.equal(await grant(network), "wg_grants_network_is_no_tunnel", network);
  }
  assert.equal(await grant("10.10.1.0/24"), undefined);
  await db.owner`
    insert into wg_grants (tenant_id, id, name, network, protocol)
    values (${a.id}, gen_random_uuid(), 'n', '10.10.1.0/24', 'any')`;
  const grow = "update wg_interfaces set network = '10.10.0.0/20'";
  assert.equal(
    await refusal({ role: "massacorp_wgd" }, grow),
    "wg_interfaces_network_is_not_granted",
  );
  assert.equal(
    await refusal({ role: "massacorp_wgd" }, "update wg_interfaces set network = network"),
    undefined,
  );
});

Deno.test("T9: wg_grants, wg_interfaces: of two that come at once and overlap, the second waits and is refused", async () => {
  await using given = await world();
  const { db, a } = given;
  const grant = `insert into wg_grants (tenant_id, id, name, network, protocol)
    values (${a.id}, '01890a5d-ac96-774b-bcce-b302099a8057', 'late', '10.99.0.0/16', 'any')`;
  const gateway = `insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
    values (9, 'wg9', '10.99.1.0/24', 9, 'a:9', 1420)`;
  for (
    const [first, second, constraint] of [
      [grant, gateway, "wg_interfaces_network_is_not_granted"],
      [gateway, grant, "wg_grants_network_is_no_tunnel"],
    ] as const
  ) {
    const other = await db.owner.reserve();
    let done = false;
    let late: Promise<unknown> | undefined;
    await db.superuser.begin(async (sql) => {
      await sql.unsafe(first);
      late = other.unsafe(second).then(() => "it is there", (error) => error.constraint_name)
        .finally(() => done = true);
      await until("it waits, or is done", async () => {
        const [row] = await sql`
          select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
        return done || row !== undefined;
      });
    });
    const said = await late;
    other.release();
    assert.equal(said, constraint);
    await db.superuser`delete from wg_grants where name = 'late'`;
    await db.superuser`delete from wg_ip_pool where interface_id = 9`;
    await db.superuser`delete from wg_interfaces where id = 9`;
  }
});

Deno.test("T9: a tenant reads its grants and writes its policy, and neither gives itself one nor judges the other", async () => {
  await using given = await world();
  const { a, refusal } = given;
  const api: Persona = { role: "massacorp_api", tenant: a.id };
  const wgd: Persona = { role: "massacorp_wgd" };
  const platform: Persona = { role: "massacorp_platform", tenant: a.id };
  for (
    const [persona, statement] of [
      [api, "insert into wg_grants (tenant_id) values (1)"],
      [api, "update wg_grants set network = '0.0.0.0/8'"],
      [api, "delete from wg_grants"],
      [api, "update wg_policies set version = 1"],
      [api, "update wg_policy_routes set network = '0.0.0.0/0'"],
      [api, "insert into wg_policy_outcomes (tenant_id) values (1)"],
      [api, "update wg_policy_outcomes set state = 'applied'"],
      [platform, "update wg_grants set network = '8.0.0.0/8'"],
      [platform, "select from wg_policies"],
      [wgd, "insert into wg_grants (tenant_id) values (1)"],
      [wgd, "delete from wg_grants"],
      [wgd, "update wg_policies set peer_to_peer = true"],
      [wgd, "delete from wg_policy_routes"],
      [wgd, "insert into wg_policy_services (tenant_id) values (1)"],
    ] as const
  ) assert.equal(await refusal(persona, statement), insufficientPrivilege, statement);
});
