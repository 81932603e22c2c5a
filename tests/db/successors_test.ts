import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { type TestDatabase, testDatabase } from "../support/database.ts";
import { type SeededTenant, seedInterface, seedTenant } from "../support/seed.ts";
import { writePromotions } from "../../wgd/pass/promotion.ts";

interface World extends AsyncDisposable {
  db: TestDatabase;
  a: SeededTenant;
  b: SeededTenant;
  /** One statement as the API, in the tenant. */
  asApi(tenant: SeededTenant, statement: string): Promise<unknown>;
  asDaemon(statement: string): Promise<{ count: number }>;
  promote(tenant: SeededTenant, successor: string): Promise<void>;
  retired(): Promise<string[]>;
  keys(): Promise<Record<string, unknown> | undefined>;
}

async function world(): Promise<World> {
  const db = await testDatabase();
  await seedInterface(db.owner);
  const [a, b] = [await seedTenant(db.owner, "alpha"), await seedTenant(db.owner, "beta")];
  await db.owner`delete from wg_retired_keys`;
  const api = connect(db.url("massacorp_api"), { max: 1, applicationName: "successors" });
  const wgd = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "successors" });
  return {
    db,
    a,
    b,
    asApi: (tenant, statement) =>
      api.begin(async (sql) => {
        await sql`select set_config('app.tenant_id', ${String(tenant.id)}, true)`;
        return await sql.unsafe(statement);
      }),
    asDaemon: (statement) => wgd.unsafe(statement),
    promote: ({ id, peerId, publicKey }, successor) =>
      writePromotions(wgd, [{
        tenantId: id,
        peerId,
        publicKeyBefore: publicKey,
        publicKey: successor,
        because: "handshake",
      }]),
    retired: async () =>
      (await db.owner<{ key: string }[]>`select public_key as key from wg_retired_keys`)
        .map(({ key }) => key).sort(),
    keys: async () => {
      const [row] = await db.owner`
        select public_key, preshared_key::text, successor_public_key, successor_preshared_key::text,
          successor_deadline from wg_peers where id = ${a.peerId}`;
      return row && { ...row };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([api.end(), wgd.end()]);
      await db[Symbol.asyncDispose]();
    },
  };
}

const newKey = async () => (await generateKeyPair()).publicKey;
const deadline = "now() + interval '1 hour'";
const setSuccessor = ({ peerId }: SeededTenant, key: string) =>
  `update wg_peers set successor_public_key = '${key}', successor_deadline = ${deadline},
    successor_preshared_key = decode(repeat('0a', 73), 'hex') where id = '${peerId}'`;
const noSuccessor =
  "successor_public_key = null, successor_preshared_key = null, successor_deadline = null";

Deno.test("wg_keys: no two peers ever have a key in common, neither as their key nor as successor", async () => {
  await using given = await world();
  const { a, b, asApi, promote } = given;
  const taken = { code: "23505", constraint_name: "wg_keys_pkey" };
  const setKey = ({ peerId }: SeededTenant, key: string) =>
    `update wg_peers set public_key = '${key}', ${noSuccessor} where id = '${peerId}'`;
  const [first, second] = [await newKey(), await newKey()];
  await assert.rejects(asApi(b, setSuccessor(b, a.publicKey)), taken, "another's key");
  await asApi(a, setSuccessor(a, first));
  await assert.rejects(asApi(b, setSuccessor(b, first)), taken, "another's successor");
  await assert.rejects(asApi(b, setKey(b, first)), taken, "another's successor as key");
  await assert.rejects(
    asApi(
      b,
      `insert into wg_peers (tenant_id, id, interface_id, name, public_key, address)
        values (${b.id}, gen_random_uuid(), 1, 'x', '${first}', '10.10.0.60')`,
    ),
    taken,
    "another's successor, in a new peer",
  );
  await assert.rejects(asApi(a, setSuccessor(a, a.publicKey)), {
    constraint_name: "wg_peers_successor_is_another_key",
  });
  await asApi(a, setSuccessor(a, first));
  await asApi(a, setSuccessor(a, second));
  await asApi(b, setSuccessor(b, first));
  await promote(a, second);
  await assert.rejects(asApi(b, setKey(b, second)), { code: "23505" }, "it is a's key now");
  await asApi(b, setKey(b, a.publicKey));
  await asApi(b, `update wg_peers set deleted_at = now() where id = '${b.peerId}'`);
  await given.db.owner`delete from wg_peers where id = ${b.peerId}`;
  const rows = await given.db.owner`select public_key from wg_keys`;
  assert.deepEqual(rows.map((row) => row.public_key), [second], "keys go with their peer");
});

Deno.test("T3: no successor leaves wg_peers without a tombstone, and a removed peer has none", async () => {
  await using given = await world();
  const { a, asApi, promote, retired } = given;
  const [first, second, third, fourth] = await Promise.all([1, 2, 3, 4].map(newKey));
  assert(first && second && third && fourth);
  await asApi(a, setSuccessor(a, first));
  assert.deepEqual(await retired(), []);
  await asApi(a, setSuccessor(a, second));
  assert.deepEqual(await retired(), [first], "replaced");
  await promote(a, second);
  assert.deepEqual(await retired(), [first, a.publicKey].sort(), "taken over: the old key");
  await asApi(a, setSuccessor(a, third));
  await asApi(a, `update wg_peers set ${noSuccessor} where id = '${a.peerId}'`);
  assert.deepEqual(await retired(), [first, third, a.publicKey].sort(), "withdrawn");
  await asApi(a, setSuccessor(a, fourth));
  await asApi(a, `update wg_peers set deleted_at = now() where id = '${a.peerId}'`);
  assert.deepEqual(await retired(), [first, third, fourth, a.publicKey].sort(), "removed");
  assert.equal((await given.keys())?.successor_public_key, null);
});

Deno.test("massacorp_wgd: promotes a successor exactly as it stands, in one statement with its audit entry", async () => {
  await using given = await world();
  const { a, db, asApi, promote, keys } = given;
  const next = await newKey();
  await promote(a, next);
  assert.equal((await keys())?.public_key, a.publicKey, "no successor, no promotion");
  await asApi(a, setSuccessor(a, next));
  await promote(a, await newKey());
  assert.equal((await keys())?.public_key, a.publicKey, "of another successor nothing comes");
  await promote(a, next);
  assert.deepEqual(await keys(), {
    public_key: next,
    preshared_key: `\\x${"0a".repeat(73)}`,
    successor_public_key: null,
    successor_preshared_key: null,
    successor_deadline: null,
  });
  const entries = await db.owner`
    select tenant_id, actor, target_id, details from audit_log where action = 'wireguard.key_promoted'`;
  assert.deepEqual([...entries], [{
    tenant_id: a.id,
    actor: "daemon",
    target_id: a.peerId,
    details: { public_key: next, public_key_before: a.publicKey, because: "handshake" },
  }]);
});

Deno.test("massacorp_wgd: of a peer's keys it can change nothing else; the API promotes none", async () => {
  await using given = await world();
  const { a, asApi, asDaemon, keys } = given;
  const [next, other] = [await newKey(), await newKey()];
  const { count } = await asDaemon(`update wg_peers set public_key = '${other}', ${noSuccessor}`);
  assert.equal(count, 0, "without a successor there is nothing to update");
  await asApi(a, setSuccessor(a, next));
  const before = await keys();
  for (
    const change of [
      `public_key = '${other}', ${noSuccessor}`,
      `public_key = successor_public_key, ${noSuccessor}`,
      `public_key = successor_public_key, preshared_key = decode(repeat('0b', 73), 'hex'), ${noSuccessor}`,
      noSuccessor,
      `successor_deadline = ${deadline}`,
      `public_key = successor_public_key, preshared_key = successor_preshared_key,
        successor_public_key = '${other}'`,
    ]
  ) {
    await assert.rejects(
      asDaemon(`update wg_peers set ${change}`),
      { constraint_name: "wg_peers_daemon_only_promotes" },
      change,
    );
  }
  for (const change of ["enabled = true", "name = 'x'", "address = address", "deleted_at = null"]) {
    await assert.rejects(asDaemon(`update wg_peers set ${change}`), { code: "42501" }, change);
  }
  await assert.rejects(
    asApi(
      a,
      `update wg_peers set public_key = successor_public_key, ${noSuccessor} where id = '${a.peerId}'`,
    ),
    { constraint_name: "wg_peers_only_the_daemon_promotes" },
  );
  assert.deepEqual(await keys(), before);
});
