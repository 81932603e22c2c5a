import assert from "node:assert/strict";
import { checkpointFolder, signer, testSealer } from "../support/sealer.ts";
import { peerOn, stack, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { verifyDatabase } from "../../sealer/verify_database.ts";

Deno.test("removal: T3, D1: of a user, then of a tenant, with peers online: packets stop, keys and rows are gone, addresses rest, the chain stays whole", async () => {
  await using made = await stack("user", "admin", "other");
  await made.daemon.start();
  await made.startApi();
  const [acme, beta] = [await tenantOn(made, "acme"), await tenantOn(made, "beta")];
  const { body: bob } = await made.operator("/users", {
    tenant: acme.id,
    json: { email: "bob@acme.example" },
  });
  const peers = {
    user: await peerOn(made, acme, { user_id: bob.user.id }),
    admin: await peerOn(made, acme, { user_id: acme.adminId }),
    other: await peerOn(made, beta),
  };
  await using undo = new AsyncDisposableStack();
  const client = async (role: keyof typeof peers) => {
    const host = undo.use(await made.client(role, peers[role].config));
    return async (timeoutMs = 30_000) => {
      const outcome = await host.request("/api/v1/info", { timeoutMs });
      return "status" in outcome ? outcome.status : "no answer";
    };
  };
  const [user, admin, other] = [await client("user"), await client("admin"), await client("other")];
  assert.deepEqual([await user(), await admin(), await other()], [200, 200, 200]);
  const onInterface = async () => {
    const keys = [...(await made.daemon.dump()).peers.keys()];
    return Object.entries(peers).flatMap(([name, { peer }]) =>
      keys.includes(peer.public_key) ? [name] : []
    );
  };
  const rests = async (name: keyof typeof peers) => {
    const [row] = await made.db.owner`
      select free_from > now() + interval '1 minute' as rests from wg_ip_pool
      where address = ${peers[name].peer.address}`;
    return row?.rests;
  };

  const removed = await made.operator(`/users/${bob.user.id}`, {
    method: "DELETE",
    tenant: acme.id,
  });
  assert.deepEqual([removed.status, removed.body.removed], [200, true], JSON.stringify(removed));
  assert.deepEqual(await onInterface(), ["admin", "other"]);
  assert.deepEqual([await user(1_000), await admin()], ["no answer", 200]);
  assert.deepEqual(
    [...await made.db.owner`select from users where id = ${bob.user.id}`],
    [],
  );
  await until("his peer's row is gone, and its address rests", async () => {
    const rows = await made.db.owner`select from wg_peers where id = ${peers.user.peer.id}`;
    return rows.length === 0 && await rests("user");
  });

  const path = `/tenants/${acme.id}`;
  assert.equal((await made.operator(path, { method: "DELETE" })).status, 409);
  assert.equal(await admin(), 200, "a refusal changes nothing");
  assert.equal((await made.operator(`${path}/suspend`, { method: "POST" })).status, 200);
  assert.deepEqual([await onInterface(), await admin(1_000)], [["other"], "no answer"]);
  await until("it is removed", async () => {
    const { status } = await made.operator(path, { method: "DELETE" });
    assert([200, 202].includes(status));
    return status === 200;
  });
  assert.equal((await made.operator(path)).status, 404);
  const [left] = await made.db.owner`
    select t.status, t.slug,
      (select count(*) from wg_peers p where p.tenant_id = t.id)::integer as peers,
      (select count(*) from wg_retired_keys k where k.tenant_id = t.id)::integer as keys,
      (select count(*) from users u where u.tenant_id = t.id)::integer as users
    from tenants t where t.id = ${acme.id}`;
  assert.deepEqual({ ...left }, { status: "deleted", slug: null, peers: 0, keys: 0, users: 0 });
  assert.equal(await rests("admin"), true, "whoever gets the address next gets no packet of its");
  assert.deepEqual([await onInterface(), await other()], [["other"], 200]);

  // What `deno task audit:verify` asks: the erased tenant's chain is there to its end.
  await using folder = await checkpointFolder();
  await using sealing = await testSealer(made.db, folder.path);
  await sealing.seal();
  const report = await verifyDatabase(sealing.sql, {
    folder: folder.path,
    publicKey: signer.publicKey,
    now: sealing.clock.now(),
  });
  assert.equal(report.intact, true, JSON.stringify(report));
  const sealed = await made.db.owner`
    select a.action from audit_log a join audit_seals s on s.tenant_id = a.tenant_id and s.entry_id = a.id
    where a.tenant_id = ${acme.id} order by s.seq`;
  assert.equal(sealed.at(-1)?.action, "tenant.delete", "the chain ends with the removal");
});
