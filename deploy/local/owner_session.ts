import { connect, type Sql } from "../../db/connection.ts";
import { bootstrap } from "../../db/roles.ts";
import type { Secret } from "../../lib/secret.ts";
import type { LocalConfig } from "./config.ts";
import { openDataFolder } from "./data_folder.ts";
import { createIdentity } from "./identity.ts";
import { databaseSecrets } from "./secrets.ts";
import { postgresService, projectFolder } from "./services.ts";
import type { Terminal } from "./terminal.ts";

/** What a task may do to the database. */
export interface OwnerSession {
  /** As the role that migrates. */
  owner: Sql;
  /** Throws everything away: the database is as before the first migration. */
  empty(): Promise<void>;
}

/**
 * Gives a task the database as its owner: the one of `DATABASE_OWNER_URL`, or the embedded server, started
 * for the task and stopped after it.
 *
 * @throws {DataFolderError} when `./massacorp up` has the embedded server
 */
export async function asOwner<T>(
  config: LocalConfig,
  terminal: Terminal,
  work: (session: OwnerSession) => Promise<T>,
): Promise<T> {
  if (config.ownerUrl) {
    await using owner = pool(config.ownerUrl);
    const { sql } = owner;
    return await work({
      owner: sql,
      // Grants to the schema are the first migration's affair.
      empty: async () =>
        void await sql`drop schema public cascade`.then(() => sql`create schema public`),
    });
  }
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await openDataFolder(config.dataFolder));
  const identity = await createIdentity([
    projectFolder,
    Deno.execPath(),
    folder.root,
    folder.sockets.postgres,
    ...(config.walArchive === undefined ? [] : [config.walArchive.folder]),
  ]);
  const secrets = await databaseSecrets(folder);
  const service = postgresService({
    folder,
    identity,
    terminal,
    superuserPassword: secrets.superuser,
    walArchive: config.walArchive,
  });
  const server = await service.start(new AbortController().signal);
  undo.defer(() => server.stop());
  await bootstrap(secrets.superuserUrl, secrets.roles);
  const { sql } = undo.use(pool(secrets.ownerUrl));
  return await work({
    owner: sql,
    async empty() {
      await using superuser = pool(secrets.superuserUrl);
      await superuser.sql`drop database massacorp with (force)`;
      await bootstrap(secrets.superuserUrl, secrets.roles);
    },
  });
}

function pool(url: Secret<string>): { sql: Sql } & AsyncDisposable {
  const sql = connect(url, { max: 1, applicationName: "massacorp-task" });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 5 }) };
}
