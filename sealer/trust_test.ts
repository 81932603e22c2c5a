import assert from "node:assert/strict";
import { scene } from "../tests/support/sealed_scene.ts";
import { checkpointFolder, testSealer } from "../tests/support/sealer.ts";
import { renderMetrics } from "./metrics.ts";

Deno.test("round: D1: what was signed and is gone gets no new signature", () =>
  scene(async ({ db, folder, tenant }) => {
    await db.owner.unsafe(`
      delete from audit_log where id > 14; delete from audit_seals where entry_id > 14;
      update audit_chains c set seq = s.seq, hash = s.hash, sealed_at = s.sealed_at
        from (select distinct on (tenant_id) * from audit_seals order by tenant_id, seq desc) s
        where s.tenant_id = c.tenant_id`);
    await using next = await testSealer(db, folder);
    await db.owner`
      insert into audit_log (tenant_id, actor, action, outcome)
      values (${tenant}, 'operator', 'test.later', 'succeeded')`;
    await next.seal();
    assert.match(next.sealer.state.distrust ?? "", /has not what was signed/);
    assert.equal(next.sealer.state.checkpoint, 3);
    assert(next.log.some((line) => JSON.parse(line).level === "critical"));
    assert.match(renderMetrics(next.sealer.state, Date.now()), /^massacorp_audit_trusted 0$/m);
    // What happens from now on is in the chain all the same.
    assert.equal(next.sealer.state.sealedTotal, 1);
  }));

Deno.test("round: D1: what was sealed and not signed yet, and an end of a chain that is gone, get no signature either", (t) =>
  scene(async ({ db, folder, tenant }) => {
    const later = () =>
      db.owner`
        insert into audit_log (tenant_id, actor, action, outcome)
        values (${tenant}, 'operator', 'test.later', 'succeeded')`;
    const isRefused = async () => {
      await using next = await testSealer(db, folder);
      await later();
      await next.seal();
      assert.match(
        next.sealer.state.distrust ?? "",
        /was sealed last does not hold for tenant \d+$/,
      );
      assert.equal(next.sealer.state.checkpoint, 3);
    };
    const [file = ""] = (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name))
      .filter((name) => name.endsWith(".jsonl")).map((name) => `${folder}/${name}`);
    {
      await using given = await testSealer(db, folder);
      await later();
      // The disk refuses the line.
      await Deno.rename(file, `${file}.kept`);
      await Deno.mkdir(file);
      await assert.rejects(given.sealer.round());
      await Deno.remove(file);
      await Deno.rename(`${file}.kept`, file);
    }
    await t.step("a link behind the last checkpoint", async () => {
      await db.owner`
        update audit_log set outcome = 'refused' where tenant_id = ${tenant} and action = 'test.later'`;
      await isRefused();
    });
    await t.step("a chain without its end", async () => {
      await db.owner`delete from audit_log where action = 'test.later'`;
      await db.owner`delete from audit_seals where tenant_id = ${tenant} and seq > 10`;
      await db.owner`delete from audit_chains where tenant_id = ${tenant}`;
      await isRefused();
    });
  }));

Deno.test("round: D1: a chain that is changed while the sealer runs is signed no more", () =>
  scene(async ({ db, folder, tenant }) => {
    const given = await testSealer(db, folder);
    await given.seal();
    await db.owner`update audit_chains set hash = sha256('mine') where tenant_id = ${tenant}`;
    await db.owner`
      insert into audit_log (tenant_id, actor, action, outcome)
      values (${tenant}, 'operator', 'test.later', 'succeeded')`;
    await given.seal();
    assert.match(given.sealer.state.distrust ?? "", /was changed since it was last sealed/);
    assert.equal(given.sealer.state.checkpoint, 3);
    // An operator looks, and begins anew: the old checkpoints stay as evidence.
    await given[Symbol.asyncDispose]();
    await Deno.writeTextFile(`${folder}/restart`, "");
    {
      await using refused = await testSealer(db, folder);
      await refused.seal();
      assert.match(refused.sealer.state.distrust ?? "", /move the files .* away first/);
    }
    await using evidence = await checkpointFolder();
    for await (const { name } of Deno.readDir(folder)) {
      if (name.endsWith(".jsonl")) {
        await Deno.rename(`${folder}/${name}`, `${evidence.path}/${name}`);
      }
    }
    await using next = await testSealer(db, folder);
    await next.seal();
    assert.deepEqual([next.sealer.state.distrust, next.sealer.state.checkpoint], [null, 1]);
    await assert.rejects(Deno.stat(`${folder}/restart`), Deno.errors.NotFound);
  }));
