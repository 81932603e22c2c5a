import assert from "node:assert/strict";
import { connect } from "../../../db/connection.ts";
import { asTenantId } from "../../database/tenancy.ts";
import { adminOf, testApi } from "../../../tests/support/api.ts";
import { livingGateway } from "../../../tests/support/gateways.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";

const path = "/api/v1/wireguard/peers";

Deno.test("massacorp_api: T5: moves a peer whole or not at all, whatever it sends", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await using _one = await livingGateway(api.db, { id: 1 });
  await using _two = await livingGateway(api.db, { id: 2 });
  const { body } = await api.request(path, {
    token: acme.token,
    body: { name: "a", gateway_id: 1 },
  });
  const { id } = body.peer;
  const { publicKey } = await generateKeyPair();
  const refused = async (constraint: string, change: string) => {
    await assert.rejects(
      api.deps.tenancy.transaction(
        asTenantId(acme.tenantId),
        async (sql) => {
          const [gateway = "", address = ""] = change.split(" ");
          await sql`update wg_peers set interface_id = ${
            Number(gateway)
          }, address = ${address}::inet,
            public_key = ${publicKey} where id = ${id}`;
        },
      ),
      { constraint_name: constraint },
      change,
    );
  };
  await refused("wg_peers_address_moves_with_the_gateway", "1 10.10.0.77");
  await refused("wg_peers_new_address_is_taken", "2 10.11.0.77");
  await refused("wg_peers_new_address_is_taken", "2 10.10.0.77");
  // Taken, as the statement before would have it.
  await api.db.owner`
    update wg_ip_pool set free_from = null where interface_id = 2 and address = '10.11.0.77'`;
  const close = (accepts: boolean) =>
    api.db.owner`update wg_interfaces set accepts_peers = ${accepts} where id = 2`;
  await close(false);
  await refused("wg_peers_gateway_takes_peers", "2 10.11.0.77");
  await close(true);
  const rotated = await api.request(`${path}/${id}/rotate`, { token: acme.token, body: {} });
  const successor = rotated.body.peer.rotation.successor_public_key;
  await refused("wg_peers_successors_do_not_move", "2 10.11.0.77");
  const moved = await api.request(`${path}/${id}/move`, {
    token: acme.token,
    body: { gateway_id: 2 },
  });
  assert.equal(moved.body.peer.rotation, null, moved.text);
  const leaving = await api.db.owner<{ key: string; address: string | null }[]>`
    select public_key as key, host(address) as address from wg_retired_keys`;
  assert.deepEqual(
    new Set(leaving.map((row) => `${row.key} ${row.address}`)),
    new Set([`${body.peer.public_key} ${body.peer.address}`, `${successor} null`]),
    "the key that waited leaves, too",
  );
  await api.db.owner`update wg_peers set deleted_at = now() where id = ${id}`;
  await refused("wg_peers_removed_do_not_move", "1 10.10.0.78");
  const role = connect(api.db.url("massacorp_api"), {
    max: 1,
    applicationName: "test",
    connectTimeout: 60,
  });
  await using _role = { [Symbol.asyncDispose]: () => role.end() };
  await role`select set_config('app.tenant_id', ${String(acme.tenantId)}, false)`;
  await assert.rejects(
    role`insert into wg_resting_addresses (tenant_id, interface_id, address, until)
      values (${acme.tenantId}, 1, '10.10.0.99', now())`,
    { code: "42501" },
  );
  await assert.rejects(role`update wg_resting_addresses set until = now()`, { code: "42501" });
  const dropped = await role`delete from wg_resting_addresses`;
  assert.equal(dropped.count, 0, "a rest ends for nobody but who holds the address again");
});
