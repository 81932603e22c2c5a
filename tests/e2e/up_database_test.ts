import { equal, match } from "node:assert/strict";
import { join } from "node:path";
import { bootstrap, databaseUrl } from "../../db/roles.ts";
import { namespaces } from "../support/netns.ts";
import { startTestCluster, testPassword } from "../support/cluster.ts";
import { startUp } from "../support/up.ts";

Deno.test("up: on a database that somebody else runs, no server is started", async () => {
  const cluster = await startTestCluster();
  const data = await Deno.makeTempDir({ prefix: "massacorp-up-" });
  try {
    await Deno.chmod(data, 0o711);
    const url = (role: string, database = "massacorp") =>
      databaseUrl({ role, password: testPassword, socketFolder: cluster.socketFolder, database });
    await bootstrap(url("postgres", "postgres"), {
      massacorp_owner: testPassword,
      massacorp_api: testPassword,
      massacorp_platform: testPassword,
      massacorp_wgd: testPassword,
      massacorp_sealer: testPassword,
    });
    await using hosts = await namespaces("server");
    await using up = startUp(hosts, "server", {
      dataFolder: join(data, "data"),
      env: {
        DATABASE_OWNER_URL: url("massacorp_owner").reveal(),
        DATABASE_URL: url("massacorp_api").reveal(),
        DATABASE_PLATFORM_URL: url("massacorp_platform").reveal(),
        WGD_DATABASE_URL: url("massacorp_wgd").reveal(),
        SEALER_DATABASE_URL: url("massacorp_sealer").reveal(),
      },
    });
    await up.up();
    const said = up.said.join("\n");
    match(said, /^migrations +\d+ applied$/m);
    match(said, /^password +\S/m);
    equal(/^postgres /m.test(said), false);
    await Deno.stat(join(data, "data/postgres")).then(
      () => equal("a cluster was made", ""),
      (error) => equal(error instanceof Deno.errors.NotFound, true),
    );
  } finally {
    await cluster.stop();
    await Deno.remove(data, { recursive: true });
  }
});
