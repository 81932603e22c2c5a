import assert from "node:assert/strict";
import { createLogger } from "../lib/log.ts";
import { ProcessError } from "../lib/process.ts";
import { encodeKey } from "../lib/wireguard_key.ts";
import { testDatabase } from "../tests/support/database.ts";
import { emptyDatabase } from "../tests/support/empty_database.ts";
import { until } from "../tests/support/until.ts";
import { loadConfig } from "./config.ts";
import { createDaemon } from "./daemon.ts";

/**
 * When a daemon with this database, on a host where every program fails, says these words: milliseconds, until two of
 * them are so far apart.
 */
async function timesOf(
  words: string,
  { url, apartMs }: { url: string; apartMs: number },
): Promise<number[]> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-wgd-" });
  const times: number[] = [];
  const config = loadConfig({
    WGD_DATABASE_URL: url,
    WGD_PRESHARED_SUBKEY: encodeKey(crypto.getRandomValues(new Uint8Array(32))),
    WG_KEY_FILE: `${folder}/gateway.key`,
    WG_ENDPOINT: "192.0.2.1",
  });
  const daemon = createDaemon({ ...config, reconcileIntervalMs: 50 }, {
    run: (program) => Promise.reject(new ProcessError(program, "exit", 1, "")),
    log: createLogger({
      level: "debug",
      write: (line) => {
        if (JSON.parse(line).message.includes(words)) times.push(performance.now());
      },
    }),
  });
  const started = daemon.start();
  try {
    await until(`attempts ${apartMs} ms apart`, () => gapsOf(times).some((ms) => ms >= apartMs));
  } finally {
    await daemon.stop();
    await started;
    await Deno.remove(folder, { recursive: true });
  }
  return times;
}

const gapsOf = (times: number[]) => times.slice(1).map((time, at) => time - (times[at] ?? 0));

Deno.test("the daemon: passes that fail are tried again at growing distances", async () => {
  await using db = await testDatabase();
  const url = db.url("massacorp_wgd").reveal();
  const times = await timesOf("cannot be worked on", { url, apartMs: 400 });
  // After 100, 200, 400 and 800 ms. Beside them, one pass more is asked for once somebody listens to the database, however
  // late that is, and may part one of the pauses.
  assert.ok(times.length <= 6, gapsOf(times).join());
});

Deno.test("the daemon: a database without a schema is asked again at growing distances", async () => {
  await using db = await emptyDatabase();
  const url = db.url("massacorp_wgd").reveal();
  const times = await timesOf("cannot be published", { url, apartMs: 1900 });
  // After 1, 2 and 4 s; one of these pauses ends early, when somebody listens to the database.
  assert.ok(times.length <= 4, gapsOf(times).join());
});
