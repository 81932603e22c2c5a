import assert from "node:assert/strict";
import { createLogger } from "../lib/log.ts";
import { ProcessError } from "../lib/process.ts";
import { encodeKey } from "../lib/wireguard_key.ts";
import { testDatabase } from "../tests/support/database.ts";
import { emptyDatabase } from "../tests/support/empty_database.ts";
import { until } from "../tests/support/until.ts";
import { loadConfig } from "./config.ts";
import { createDaemon } from "./daemon.ts";

/** When a daemon with this database, on a host where every program fails, says these words: milliseconds. */
async function timesOf(
  words: string,
  { url, count }: { url: string; count: number },
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
    await until(`${count} attempts`, () => times.length >= count);
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
  const gaps = gapsOf(await timesOf("cannot be worked on", { url, count: 5 }));
  // The first pass at the start may be beside the one that a connected database asks for.
  assert.ok((gaps.at(-1) ?? 0) >= 400 && (gaps.at(-2) ?? 0) >= 200, gaps.join());
});

Deno.test("the daemon: a database without a schema is asked again at growing distances", async () => {
  await using db = await emptyDatabase();
  const url = db.url("massacorp_wgd").reveal();
  const gaps = gapsOf(await timesOf("cannot be published", { url, count: 3 }));
  assert.ok((gaps.at(-1) ?? 0) >= 1900, gaps.join());
});
