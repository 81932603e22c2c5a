import assert from "node:assert/strict";
import { connect } from "../../db/connection.ts";
import { createLogger } from "../../lib/log.ts";
import { testDatabase } from "../../tests/support/database.ts";
import { until } from "../../tests/support/until.ts";
import { keepPresence } from "./presence.ts";

Deno.test("keepPresence: its session is one that the database gives up seconds after the host has vanished", async () => {
  await using db = await testDatabase();
  const session = connect(db.url("massacorp_wgd"), { max: 1, applicationName: "test" });
  const presence = keepPresence({
    open: () => session,
    interfaceId: 1,
    readBackAt: () => null,
    log: createLogger({ level: "error", write: () => {} }),
    everyMs: 20,
    patienceMs: 60_000,
  });
  await using _presence = { [Symbol.asyncDispose]: () => presence.close() };
  // Their values are read of the connection, and that of a Unix socket has none.
  const names = await until("it has its lock", async () => {
    const set = await session<{ name: string }[]>`
      select name from pg_settings where name like 'tcp_%' and source = 'session'
        and exists (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())
      order by name`;
    return set.length ? set.map(({ name }) => name) : undefined;
  });
  assert.deepEqual(names, [
    "tcp_keepalives_count",
    "tcp_keepalives_idle",
    "tcp_keepalives_interval",
    "tcp_user_timeout",
  ]);
});
