import assert from "node:assert/strict";
import { testApi } from "../support/api.ts";
import { startTestCluster } from "../support/cluster.ts";
import { waitingMails } from "../support/mails.ts";
import { findSecrets, unfolded, watchSecrets } from "../support/secret_watch.ts";
import { until } from "../support/until.ts";
import { useEverything } from "../support/use_everything.ts";

Deno.test("app: A6: a PostgreSQL that logs every statement with its parameters gets no secret into its log", async () => {
  const lines: string[] = [];
  const cluster = await startTestCluster({ inMemory: true, onLine: (line) => lines.push(line) });
  try {
    await using real = await testApi({ cluster, network: "10.10.0.0/20" });
    await real.db.superuser.unsafe(`alter database ${real.db.name} set log_statement = 'all'`);
    const document = (await real.request("/openapi.json")).body;
    const watch = watchSecrets(real, Object.keys(document.paths));
    await useEverything(watch.api, async () => watch.noteMails(await waitingMails(real)));
    assert(watch.secrets.size > 80, `${watch.secrets.size} secrets were seen`);
    // The log comes by a pipe.
    await real.db.superuser.begin(async (sql) => {
      await sql`set local log_statement = 'all'`;
      await sql`select ${"the end of the journey"}::text`;
    });
    await until("the log is here", () => lines.some((line) => /end of the journey/.test(line)));
    const log = lines.join("\n");
    assert.match(log, /insert into sessions|session_open/);
    assert.match(log, /parameters: .*ada@acme\.example/);
    assert.deepEqual(await findSecrets(`${log}\n${unfolded(log)}`, watch.secrets), []);
  } finally {
    await cluster.stop();
  }
});
