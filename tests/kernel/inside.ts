import { inWords, runTests, say } from "../run.ts";
import { clusterVariable, startTestCluster } from "../support/cluster.ts";

/** What a guest runs: the test files of its arguments on a PostgreSQL of its own, and their sum on the last line. */
const cluster = await startTestCluster();
try {
  const shared = { [clusterVariable]: cluster.socketFolder };
  // The machine that the guest runs on has checked the types, in a tenth of the time.
  say(inWords(await runTests(Deno.args, shared)));
} finally {
  await cluster.stop();
}
