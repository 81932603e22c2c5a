import assert from "node:assert/strict";
import { connect } from "../db/connection.ts";
import { silentLogger } from "../lib/log.ts";
import { Secret } from "../lib/secret.ts";
import { turn, until } from "../tests/support/until.ts";
import { openDatabase } from "./database.ts";

Deno.test("openDatabase: one that does not answer is asked ever less often, and fails at once for those who ask meanwhile", async () => {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-nobody-" });
  const attempts: number[] = [];
  const url = new Secret(`postgres://nobody@localhost/none?host=${folder}`);
  const open = () => connect(url, { max: 1, applicationName: "test" });
  const database = openDatabase({
    open: () => {
      attempts.push(performance.now());
      return open();
    },
    openListener: open,
    channel: "nothing",
    onNotify: () => {},
    onReady: () => assert.fail("nobody is there"),
    log: silentLogger,
  });
  try {
    await database.attempted;
    // Whatever waits for an attempt waits for a timer, which comes after the turn that is under way.
    const order: string[] = [];
    const next = turn().then(() => order.push("the next turn"));
    await assert.rejects(database.use((sql) => sql`select 1`), { name: "DatabaseError" });
    order.push("an answer");
    await next;
    assert.equal(order[0], "an answer", "a pass over the interface does not wait for it");
    // Opened once to begin with, and once an attempt: 50, 100, 200, 400 ms apart and so on, beside the work.
    await until("it was asked five times", () => attempts.length >= 6);
    const [, first = 0, , third = 0, , fifth = 0] = attempts;
    assert.ok(third - first >= 140, `two pauses took ${third - first} ms`);
    assert.ok(fifth - third >= 590, `the next two took ${fifth - third} ms`);
  } finally {
    await database.close();
    await Deno.remove(folder, { recursive: true });
  }
});
