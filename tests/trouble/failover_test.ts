import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { databaseUrl } from "../../db/roles.ts";
import { accounts, apiProcess, logIn } from "../bench/identity/api_process.ts";
import { ask as send } from "../bench/keep_alive.ts";
import { publishGateway } from "../support/api.ts";
import { testPassword } from "../support/cluster.ts";
import { standbyPair } from "../support/standby.ts";
import { until } from "../support/until.ts";
import { ask, seen, timeUntil } from "./trouble.ts";

const network = "10.10.0.0/20";

Deno.test("trouble: D2: a PostgreSQL that is lost for good takes nothing with it that was acknowledged, where a standby has to have it first", async () => {
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
  const api = undo.use(
    await apiProcess({
      cluster: { ...pair.primary, socketFolder: pair.address },
      env: { WG_NETWORK: network },
    }),
  );
  await publishGateway(api.db, network);
  const [admin] = await accounts(api, { slug: "acme", count: 1 });
  assert(admin);
  const { access_token } = await logIn(api, admin);
  const headers = { Authorization: `Bearer ${access_token}`, "Content-Type": "application/json" };
  const peers = `${api.url}/wireguard/peers`;

  const made = new Set<string>();
  const revoked = new Set<string>();
  const refusals: string[] = [];
  let over = false;
  /** Peers, every other of which is revoked; what hears no answer, or another one, is not counted. */
  const works = Promise.all(Array.from({ length: 8 }, async () => {
    for (let n = 0; !over; n++) {
      try {
        const body = JSON.stringify({ name: `peer ${n}` });
        const answer = await send(peers, { method: "POST", headers, body });
        if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`);
        const { id } = JSON.parse(answer.text).peer;
        made.add(id);
        if (n % 2 === 0) continue;
        const gone = await send(`${peers}/${id}`, { method: "DELETE", headers });
        if (gone.status >= 300) throw new Error(`${gone.status} ${gone.text}`);
        revoked.add(id);
      } catch (error) {
        refusals.push(error instanceof Error ? error.message : String(error));
      }
    }
  }));
  await until("enough was acknowledged", () => revoked.size >= 50, { timeoutMs: 60_000 });
  await pair.primary.kill();
  const me = () => ask(`${api.url}/auth/me`, { headers });
  await until("the loss is seen", async () => (await me()).status === 503);
  over = true;
  await works;
  const promoted = open(pair.standby.socketFolder);
  const started = performance.now();
  await promoted`select pg_promote()`;
  const promoteMs = Math.round(performance.now() - started);
  await pair.moveAddress();
  const backMs = await timeUntil("the API answers", async () => (await me()).status === 200);
  const rows = await api.db.owner<{ id: string; gone: boolean }[]>`
    select id, deleted_at is not null as gone from wg_peers`;
  const standing = new Map(rows.map(({ id, gone }) => [id, gone]));
  assert.deepEqual([...made].filter((id) => !standing.has(id)), [], "no creation is lost");
  assert.deepEqual([...revoked].filter((id) => !standing.get(id)), [], "nobody comes back");
  const again = await send(peers, { method: "POST", headers, body: '{"name":"after"}' });
  assert.equal(again.status, 201, again.text);
  seen("PostgreSQL lost for good, its standby promoted", {
    ...{ made: made.size, revoked: revoked.size, promoteMs, backMs },
    refusals: Object.fromEntries(
      Object.entries(Object.groupBy(refusals, (text) => text.slice(0, 3)))
        .map(([status, all]) => [status, all?.length]),
    ),
  });
  for (const text of refusals) assert.match(text, /^503 .*database_unavailable|hung up/, text);
});
