import { connect, type Sql } from "../../db/connection.ts";
import type { LoginRole } from "../../db/roles.ts";
import { Secret } from "../../lib/secret.ts";
import { testDatabase } from "./database.ts";

/** A database with nothing in it, in a cluster that has the roles. */
export interface EmptyDatabase extends AsyncDisposable {
  url(role: LoginRole | "postgres"): Secret<string>;
  /** A new pool of one connection; ended with the database. */
  open(role: LoginRole | "postgres"): Sql;
}

export async function emptyDatabase(): Promise<EmptyDatabase> {
  const beside = await testDatabase();
  const name = `empty_${crypto.randomUUID().replaceAll("-", "")}`;
  await beside.superuser.unsafe(`create database ${name} owner massacorp_owner`);
  const opened: Sql[] = [];
  const urlOf = (role: LoginRole | "postgres") => {
    const url = new URL(beside.url(role).reveal());
    url.pathname = `/${name}`;
    return new Secret(url.href);
  };
  return {
    url: urlOf,
    open(role) {
      const sql = connect(urlOf(role), { max: 1, applicationName: "test-empty" });
      opened.push(sql);
      return sql;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((sql) => sql.end({ timeout: 5 })));
      await beside.superuser.unsafe(`drop database ${name} with (force)`);
      await beside[Symbol.asyncDispose]();
    },
  };
}
