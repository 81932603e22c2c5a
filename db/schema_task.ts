import { clusterVariable, startTestCluster } from "../tests/support/cluster.ts";
import { testDatabase } from "../tests/support/database.ts";
import { renderSchema } from "./schema.ts";
import { diffLines } from "./schema_diff.ts";

/** The schema as it is committed. */
export const schemaFile = new URL("./schema.sql", import.meta.url);

/** `deno task db:schema [--check]`: migrates an empty database of a server of its own, and renders it. */
if (import.meta.main) {
  const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  const cluster = await startTestCluster();
  Deno.env.set(clusterVariable, cluster.socketFolder);
  let rendered: string;
  try {
    await using db = await testDatabase();
    rendered = await renderSchema(db.owner);
  } finally {
    await cluster.stop();
  }
  if (Deno.args.includes("--check")) {
    const differences = diffLines(await Deno.readTextFile(schemaFile), rendered);
    if (differences.length > 0) {
      say(differences.join("\n"));
      say("db/schema.sql is not what the migrations make: run `deno task db:schema`");
      Deno.exitCode = 1;
    }
  } else {
    await Deno.writeTextFile(schemaFile, rendered);
    say("db/schema.sql is written");
  }
}
