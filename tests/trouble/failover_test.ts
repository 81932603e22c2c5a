import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { databaseUrl } from "../../db/roles.ts";
import { testPassword } from "../support/cluster.ts";
import { startPings } from "../support/pings.ts";
import { checkpointFolder, verify } from "../support/sealer.ts";
import { sealerProcess } from "../support/sealer_process.ts";
import { ask, peerOn, stackOn, tenantOn } from "../support/stack.ts";
import { standbyPair } from "../support/standby.ts";
import { until } from "../support/until.ts";
import { assertWhole } from "../support/whole.ts";
import { seen, timeUntil } from "./trouble.ts";

Deno.test("trouble: T8, D1, D2: a PostgreSQL that is lost for good takes nothing with it that was acknowledged, where a standby has to have it first", async () => {
  await using pair = await standbyPair();
  await using undo = new AsyncDisposableStack();
  const open = (socketFolder: string) => {
    const database = "postgres";
    const sql = connect(
      databaseUrl({ role: "postgres", password: testPassword, socketFolder, database }),
      { max: 1, applicationName: "test-failover" },
    );
    undo.defer(() => sql.end({ timeout: 1 }));
    return sql;
  };
  const primary = open(pair.primary.socketFolder);
  await until("commits wait for the standby", async () => {
    const [row] = await primary`select sync_state from pg_stat_replication`;
    return row?.sync_state === "quorum";
  });
  await using made = await stackOn(
    {
      cluster: { ...pair.primary, socketFolder: pair.address },
      env: { WG_NETWORK: "10.10.0.0/20" },
    },
    "early",
    "late",
  );
  const { daemon, db, net, operator } = made;
  await daemon.start();
  await using folder = await checkpointFolder();
  await using sealer = await sealerProcess(db, {
    folder: daemon.folder,
    checkpoints: folder.path,
  });
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const early = await peerOn(made, acme);
  await using client = await made.client("early", early.config);
  assert.equal((await ask(client, "/health")).status, 200);

  const created = new Set<string>([early.peer.id]);
  const removed = new Set<string>();
  const refusals: string[] = [];
  let over = false;
  /** Peers, every other of which is revoked; what hears no answer, or another one, is not counted. */
  const works = Promise.all(Array.from({ length: 8 }, async () => {
    for (let n = 0; !over; n++) {
      try {
        const tenant = acme.id;
        const answer = await operator("/wireguard/peers", { tenant, json: { name: `peer ${n}` } });
        if (answer.status !== 201) throw new Error(`${answer.status} ${answer.body.code}`);
        const { id, public_key } = answer.body.peer;
        created.add(id);
        if (n % 2 === 0) continue;
        // From the moment of asking it may be gone, whatever is heard of it.
        created.delete(id);
        const gone = await operator(`/wireguard/peers/${id}`, { tenant, method: "DELETE" });
        if (gone.status !== 200) throw new Error(`${gone.status} ${gone.body.code}`);
        removed.add(public_key);
      } catch (error) {
        refusals.push(error instanceof Error ? error.message : String(error));
      }
    }
  }));
  await until("enough was acknowledged and sealed", async () => {
    return removed.size >= 50 && (await sealer.status()).checkpoint >= 3;
  }, { timeoutMs: 60_000 });
  const pings = startPings((command) => net.argv("early", command));
  await using stopping = new AsyncDisposableStack();
  stopping.defer(async () => void await pings.stop());
  const me = async () => (await operator("/users", { tenant: acme.id })).status;
  await pair.primary.kill();
  await until("the loss is seen", async () => await me() === 503);
  over = true;
  await works;
  assert.deepEqual(refusals.filter((text) => !text.startsWith("503 ")), [], "and nothing else");
  const before = (await sealer.status()).checkpoint;
  assert.equal(
    (await ask(client, "/health")).status,
    200,
    "through the tunnel, without a database",
  );

  const promoted = open(pair.standby.socketFolder);
  const started = performance.now();
  await promoted`select pg_promote()`;
  const promoteMs = Math.round(performance.now() - started);
  await pair.moveAddress();
  const [apiMs, daemonMs, sealerMs] = await Promise.all([
    timeUntil("the API answers", async () => await me() === 200),
    timeUntil("the daemon is connected", async () => {
      return (await daemon.client.status()).database === "connected";
    }),
    timeUntil("the sealer leads, and all is sealed", async () => {
      const { leading } = await sealer.status();
      const [row] = await db
        .owner`select count(*)::int as waiting from audit_log l where not exists (
        select from audit_seals s where s.tenant_id = l.tenant_id and s.entry_id = l.id)`;
      return leading && row?.waiting === 0;
    }),
  ]);
  await assertWhole(daemon, { created, removed, audited: true });
  const late = await peerOn(made, acme);
  await using other = await made.client("late", late.config);
  assert.equal((await ask(other, "/health")).status, 200, "one that was made afterwards");
  const { sent, received } = await pings.stop();
  assert.equal(received, sent, `${sent - received} of ${sent} pings were lost`);

  await until("what came afterwards is signed", async () => {
    const { checkpoint, lag_seconds } = await sealer.status();
    return checkpoint > before && lag_seconds === 0;
  });
  const report = await verify(db, folder.path);
  assert.deepEqual(report.tenants.flatMap(({ faults }) => faults), []);
  assert.ok(report.intact, JSON.stringify(report));
  const twice = await db.owner`
    select tenant_id, entry_id from audit_seals group by tenant_id, entry_id having count(*) > 1`;
  assert.deepEqual([...twice], [], "nothing is sealed twice");
  seen("PostgreSQL lost for good, its standby promoted", {
    ...{ created: created.size, removed: removed.size, promoteMs, apiMs, daemonMs, sealerMs, sent },
    refusals: Object.fromEntries(
      Object.entries(Object.groupBy(refusals, (text) => text))
        .map(([text, all]) => [text, all?.length]),
    ),
  });
});
