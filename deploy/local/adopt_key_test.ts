import { deepEqual, equal, match } from "node:assert/strict";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { seedInterface, seedTenant } from "../../tests/support/seed.ts";
import { describeKeys, forgetKey, readKeyState } from "./adopt_key.ts";

const here = { interfaceId: 1 };

Deno.test("forgetKey: forgets exactly the key that was named, with the files that name it, and says so in the audit log", async () => {
  await using db = await testDatabase();
  await seedInterface(db.owner);
  await seedTenant(db.owner, "acme");
  const [platform] = await db.owner`
    insert into tenants (slug, name, is_platform) values ('platform', 'Platform', true) returning id`;
  const other = await generateKeyPair();
  const { published } = await readKeyState(db.owner, { ...here, key: undefined });
  if (published === null) throw new Error("the interface has no key");

  equal(await forgetKey(db.owner, { ...here, published: other.publicKey }), false);
  deepEqual(await readKeyState(db.owner, { ...here, key: other }), {
    published,
    onHost: other.publicKey,
    peers: 1,
  });
  equal((await db.owner`select from wg_deliveries`).length, 1);

  equal(await forgetKey(db.owner, { ...here, published }), true);
  deepEqual(await readKeyState(db.owner, { ...here, key: undefined }), {
    published: null,
    onHost: null,
    peers: 1,
  });
  equal((await db.owner`select from wg_deliveries`).length, 0);
  const entries = await db.owner`
    select tenant_id, details from audit_log where action = 'wireguard.gateway_key_forgotten'`;
  deepEqual(entries.map((entry) => ({ ...entry })), [{
    tenant_id: platform?.id,
    details: { public_key: published },
  }]);
  equal(await forgetKey(db.owner, { ...here, published }), false, "there is nothing more");
});

Deno.test("describeKeys: names the key to be forgotten only where something is wrong", () => {
  const wrong = describeKeys({ published: "old", onHost: "new", peers: 3 }, "/k");
  match(wrong, /--forget old\n/);
  match(wrong, /publishes the key of this host/);
  match(describeKeys({ published: "old", onHost: null, peers: 3 }, "/k"), /makes a new key/);
  for (const published of [null, "new"]) {
    equal(/--forget/.test(describeKeys({ published, onHost: "new", peers: 3 }, "/k")), false);
  }
});
