import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { join } from "node:path";
import { connect } from "../../db/connection.ts";
import { addressPlan } from "../../lib/address.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { seedTenant } from "../../tests/support/seed.ts";
import { createGatewayKey } from "../../wgd/gateway/key.ts";
import { publishInterface } from "../../wgd/gateway/publish.ts";
import { cutOver, describe, nextKeyFile } from "./rotate_gateway_key.ts";

async function gateway() {
  await using undo = new AsyncDisposableStack();
  const db = undo.use(await testDatabase());
  const folder = await Deno.makeTempDir({ prefix: "massacorp-gateway-" });
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  const sql = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "test" });
  undo.defer(() => sql.end({ timeout: 5 }));
  const keyFile = join(folder, "gateway.key");
  const held = undo.move();
  return {
    db,
    folder,
    keyFile,
    /** As the daemon does at its start. */
    start: async () =>
      (await publishInterface(sql, {
        keyFile,
        interface: {
          id: 1,
          name: "wg0",
          plan: addressPlan("10.10.0.0/24"),
          listenPort: 51820,
          endpoint: "vpn.example:51820",
          mtu: 1420,
          addressRestSeconds: 3600,
          tenantShare: 50,
        },
      })).publicKey,
    published: async () =>
      (await db.owner`select public_key, receipt_key from wg_interfaces where id = 1`)[0],
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

Deno.test("wg:rotate-key: the next key takes over at the cut-over, which is audited and takes back what names the old one", async () => {
  await using place = await gateway();
  const { db, keyFile, folder } = place;
  const old = await place.start();
  await seedTenant(db.owner, "acme");
  await db.owner`insert into tenants (slug, name, is_platform) values ('platform', 'P', true)`;
  await Deno.writeTextFile(join(folder, "snapshot"), "of the old key");
  const before = await place.published();
  const options = { interfaceId: 1, keyFile };
  const next = await createGatewayKey(nextKeyFile(keyFile));
  equal(await place.start(), old, "a next key changes nothing");
  await rejects(cutOver(db.owner, { ...options, publicKey: old }), /the next key is/);
  deepEqual(await place.published(), before);
  equal((await db.owner`select from wg_deliveries`).length, 1);

  await cutOver(db.owner, { ...options, publicKey: next.publicKey });
  equal((await db.owner`select from wg_deliveries`).length, 0);
  await rejects(Deno.stat(join(folder, "snapshot")), Deno.errors.NotFound);
  await rejects(Deno.stat(nextKeyFile(keyFile)), Deno.errors.NotFound);
  equal(((await Deno.stat(keyFile)).mode ?? 0) & 0o777, 0o600);
  equal(await place.start(), next.publicKey);
  const after = await place.published();
  equal(after?.public_key, next.publicKey);
  equal(after?.receipt_key === before?.receipt_key, false);
  const entries = await db.owner`
    select details from audit_log where action = 'wireguard.gateway_key_forgotten'`;
  deepEqual(entries.map(({ details }) => details), [{ public_key: old }]);
  await rejects(cutOver(db.owner, { ...options, publicKey: next.publicKey }), /not there/);
});

Deno.test("wg:rotate-key: cut off before the files, the old key is published again, and the step is repeated; on another host it is refused", async () => {
  await using place = await gateway();
  const { db, keyFile } = place;
  const old = await place.start();
  const { publicKey } = await createGatewayKey(nextKeyFile(keyFile));
  const options = { interfaceId: 1, keyFile, publicKey };
  await Deno.rename(keyFile, `${keyFile}.away`);
  await rejects(cutOver(db.owner, options), /has not the published key/);
  equal((await place.published())?.public_key, old);
  await Deno.rename(`${keyFile}.away`, keyFile);
  await db.owner`update wg_interfaces set public_key = null, receipt_key = null`;
  equal(await place.start(), old);
  await db.owner`update wg_interfaces set public_key = null, receipt_key = null`;
  await cutOver(db.owner, options);
  equal(await place.start(), publicKey);
});

Deno.test("wg:rotate-key: says what every client has to change, and when nothing was prepared, how to begin", async () => {
  await using place = await gateway();
  const next = await createGatewayKey(nextKeyFile(place.keyFile));
  const state = { published: "old", onHost: "old", peers: 3 };
  const told = describe(state, { next, endpoint: "vpn.example:51820" });
  match(told, new RegExp(`PublicKey = ${next.publicKey.replaceAll("+", "\\+")}`));
  match(told, /--cut-over/);
  equal(told.includes(next.privateKey.reveal()), false);
  match(describe(state, { next: undefined, endpoint: null }), /--prepare/);
});
