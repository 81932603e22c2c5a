import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { testDatabase } from "../support/database.ts";
import { livingGateway, seen } from "../support/gateways.ts";
import { seedInterface, seedTenant } from "../support/seed.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { until } from "../support/until.ts";

Deno.test("wg_gateways_seen: T2: a gateway lives for as long as a session of its daemon's own role says so", async (t) => {
  await using db = await testDatabase();
  await using two = await livingGateway(db, { id: 2 });
  await t.step("and it tells when it was read back, by the database's clock", async () => {
    const now = two.readBackAt ?? NaN;
    const at = (await seen(db)).get(2);
    assert.ok(at && Math.abs(at.getTime() - now) < 5_000, String(at));
    two.readBackAt = now - 50_000;
    await until("the lock has moved on", async () => {
      const moved = (await seen(db)).get(2);
      return moved && Math.abs(moved.getTime() - (now - 50_000)) < 5_000;
    });
    two.readBackAt = null;
    await until("nothing read back yet", async () => (await seen(db)).get(2) === null);
  });
  await t.step("there is no moment without a lock while it moves", async () => {
    for (let n = 0; n < 150; n++) {
      two.readBackAt = Date.now() - n * 1000;
      assert.ok((await seen(db)).has(2));
    }
  });
  await t.step("a session that the server ends is made again, and says so again", async () => {
    // Waits until it is gone: before that it would be what is seen below.
    const ended = await db.superuser`
      select pg_terminate_backend(pid, 10000) from pg_stat_activity
      where application_name = 'test-wgd-lives-2' and datname = current_database()`;
    assert.equal(ended.length, 1);
    await until("it is back", async () => (await seen(db)).has(2));
  });
  await t.step("the same lock of another role says nothing", async () => {
    for (const role of ["massacorp_api", "massacorp_platform"] as const) {
      const sql = connect(db.url(role), { max: 1, applicationName: "liar" });
      await sql`select pg_advisory_lock_shared(${0x57470000 + 3}::integer, 1)`;
      const known = await sql<{ id: number }[]>`select interface_id as id from wg_gateways_seen()`;
      assert.deepEqual(
        known.map((row) => row.id),
        [2],
        "what it may ask, it may, and it lies to nobody",
      );
      await sql.end();
    }
  });
  await t.step(
    "nor does one that was not granted, or of another database on the same server",
    async () => {
      const first = 0x57470000 + 4;
      const [holder, wgd] = [db.url("postgres"), db.url("massacorp_wgd")].map((url) =>
        connect(url, { max: 1, applicationName: "not-granted" })
      );
      assert.ok(holder && wgd);
      await holder`select pg_advisory_lock(${first}::integer, 1)`;
      // It waits for as long as the other database takes to be made.
      await wgd`set lock_timeout = 0`;
      const waiting = wgd`select pg_advisory_lock_shared(${first}::integer, 1)`.catch(() => {});
      await until("it waits for its lock", async () => {
        const [row] = await db.owner`
        select from pg_locks where classid::bigint = ${first} and not granted`;
        return row !== undefined;
      });
      assert.equal((await seen(db)).has(4), false);
      await using another = await testDatabase();
      await using _five = await livingGateway(another, { id: 5 });
      assert.equal((await seen(db)).has(5), false);
      await holder.end();
      await waiting;
      assert.equal((await seen(db)).has(4), true);
      await wgd.end();
    },
  );
  await t.step("without its session it is gone, whatever it said last", async () => {
    await two.die();
    assert.equal((await seen(db)).has(2), false);
  });
});

Deno.test("wg_interfaces: T5: no peer comes to a gateway that takes none, and one retires empty, for good, whoever races", async (t) => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  const { id, peerId } = await seedTenant(db.owner, "acme");
  const retire = () =>
    db.owner`update wg_interfaces set accepts_peers = false, retired_at = now() where id = 1`;
  const refused = (work: Promise<unknown>, constraint_name: string) =>
    assert.rejects(work, { constraint_name });
  const insert = (n: number) =>
    db.owner`
      with free as (update wg_ip_pool set free_from = null
        where interface_id = 1 and host(address) = ${`10.10.0.${100 + n}`} returning address)
      insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
        select ${id}, gen_random_uuid(), 1, 'late',
          encode(sha256(${String(n)}::bytea), 'base64'), address from free`;

  await t.step("closed", async () => {
    await db.owner`update wg_interfaces set accepts_peers = false where id = 1`;
    await refused(insert(0), "wg_peers_gateway_takes_peers");
    await db.owner`update wg_interfaces set accepts_peers = true where id = 1`;
  });
  await t.step("in use", async () => {
    await refused(retire(), "wg_interfaces_retire_without_peers");
    await db.owner`update wg_peers set deleted_at = now() where id = ${peerId}`;
    await refused(retire(), "wg_interfaces_retire_without_peers");
  });
  await t.step("left by a mover whose key was not read back gone", async () => {
    await db.owner`update wg_ip_pool set free_from = 'infinity' where address = '10.10.0.50'`;
    await db.owner`update wg_peers set deleted_at = now() where id = ${peerId}`;
    await db.owner`delete from wg_peers where id = ${peerId}`;
    await refused(retire(), "wg_interfaces_retire_without_peers");
    await db.owner`update wg_ip_pool set free_from = now() where address = '10.10.0.50'`;
  });
  await t.step(
    "whichever of a peer and a retirement comes second, waits for the first",
    async () => {
      const waits = (what: string) =>
        until("the second waits", async () => {
          const [row] = await db.superuser`
          select from pg_stat_activity where wait_event = 'advisory' and datname = current_database()
            and query like ${`%${what}%`}`;
          return row !== undefined;
        });
      const open = () => connect(db.url("massacorp_owner"), { max: 1, applicationName: "first" });
      const [one, two] = [open(), open()];
      await one`begin`;
      await one`
      with free as (update wg_ip_pool set free_from = null
        where interface_id = 1 and host(address) = '10.10.0.90' returning address)
      insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
        select ${id}, gen_random_uuid(), 1, 'first', encode(sha256('first'), 'base64'), address from free`;
      const retiring = refused(retire(), "wg_interfaces_retire_without_peers");
      await waits("retired_at = now()");
      await one`commit`;
      await retiring;
      await db.owner`update wg_peers set deleted_at = now()`;
      await db.owner`delete from wg_peers`;
      await two`begin`;
      await two`update wg_interfaces set accepts_peers = false, retired_at = now() where id = 1`;
      const late = insert(91);
      late.catch(() => {});
      await waits("insert into wg_peers");
      await two`rollback`;
      await late;
      await db.owner`update wg_peers set deleted_at = now()`;
      await db.owner`delete from wg_peers`;
      await Promise.all([one.end(), two.end()]);
    },
  );
  await t.step("a peer and a retirement at once: one of the two, never both", async () => {
    const results = await Promise.allSettled([
      ...Array.from({ length: 25 }, (_, n) => insert(n + 1)),
      retire(),
      ...Array.from({ length: 25 }, (_, n) => insert(n + 30)),
    ]);
    const retired = results[25]?.status === "fulfilled";
    const [row] = await db.owner<{ peers: number }[]>`select count(*)::int as peers from wg_peers`;
    assert.equal(retired, row?.peers === 0, `retired: ${retired}, with ${row?.peers} peers`);
    if (!retired) {
      await db.owner`update wg_peers set deleted_at = now()`;
      await db.owner`delete from wg_peers`;
      await retire();
    }
  });
  await t.step("for good", async () => {
    await refused(insert(99), "wg_peers_gateway_takes_peers");
    for (const change of ["retired_at = null", "accepts_peers = true", "mtu = 1400"]) {
      await refused(
        db.owner.unsafe(`update wg_interfaces set ${change} where id = 1`),
        "wg_interfaces_retirement_is_final",
      );
    }
  });
});

Deno.test("massacorp_platform: announces a gateway and decides over it, and is no daemon", async () => {
  await using db = await testDatabase();
  await using _one = await livingGateway(db, { id: 1 });
  const sql = connect(db.url("massacorp_platform"), { max: 1, applicationName: "test" });
  await using _sql = { [Symbol.asyncDispose]: () => sql.end() };
  for (
    const statement of [
      `insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu, public_key)
        select 2, 'wg1', '10.11.0.0/24', 51820, 'a:1', 1420, public_key from wg_interfaces`,
      "update wg_interfaces set public_key = null",
      "update wg_interfaces set endpoint = 'evil.example:51820'",
      "update wg_interfaces set network = '10.12.0.0/24'",
      "delete from wg_interfaces",
      "update wg_ip_pool set free_from = now()",
      "insert into wg_ip_pool values (1, '10.10.0.2', now())",
    ]
  ) {
    await assert.rejects(sql.unsafe(statement), { code: "42501" }, statement);
  }
  // Grants of other tenants are not seen here, so the daemon looks again before a peer can come.
  const [tenant] = await db.owner<{ id: number }[]>`
    insert into tenants (slug, name) values ('acme', 'Acme') returning id`;
  await db.owner`insert into wg_grants (tenant_id, id, name, network, protocol)
    values (${tenant?.id ?? 0}, gen_random_uuid(), 'office', '10.11.0.0/24', 'tcp')`;
  await sql`insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu)
    values (2, 'wg1', '10.11.0.0/24', 51820, 'vpn2.example.com:51820', 1420)`;
  const notGranted = { constraint_name: "wg_interfaces_network_is_not_granted" };
  await assert.rejects(livingGateway(db, { id: 2 }), notGranted);
  const wgd = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "test" });
  await using _wgd = { [Symbol.asyncDispose]: () => wgd.end() };
  const { publicKey } = await generateKeyPair();
  await assert.rejects(
    wgd`update wg_interfaces set public_key = ${publicKey} where id = 2`,
    notGranted,
    "not by an update alone either",
  );
});
