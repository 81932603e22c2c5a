import type { Sql } from "./connection.ts";

/** What a server, a database or a role may have set otherwise, and the code takes for granted. */
const needed = {
  // A schema before `public` could put tables and functions of its own in place of the product's.
  search_path: "public",
  // What is sealed and hashed is read as hex.
  bytea_output: "hex",
  array_nulls: "on",
  // Who waits for a lock has to see what was committed meanwhile.
  default_transaction_isolation: "read committed",
  // Off, it makes an error of what is to be hidden.
  row_security: "on",
  // Otherwise no trigger fires and no foreign key holds.
  session_replication_role: "origin",
  // What was confirmed is on the disk (D2).
  synchronous_commit: "on",
  // The tenant of who has set none.
  "app.tenant_id": "",
} as const;

/**
 * Why the code cannot work with sessions like this one, and what mends it; undefined where it can. `db/roles.sql` sets
 * most of what is needed, for each role.
 */
export async function whySessionUnfit(sql: Sql): Promise<string | undefined> {
  const [row] = await sql<[Record<string, string>]>`
    select current_user::text as role, current_database()::text as database,
      current_setting('server_encoding') as encoding,
      -- Those that are there and open to the role; none before the first migration.
      coalesce(nullif(array_to_string(current_schemas(false), ', '), ''), 'public') as search_path,
      current_setting('bytea_output') as bytea_output,
      current_setting('array_nulls') as array_nulls,
      current_setting('default_transaction_isolation') as default_transaction_isolation,
      current_setting('row_security') as row_security,
      current_setting('session_replication_role') as session_replication_role,
      case current_setting('synchronous_commit') when 'off' then 'off' else 'on' end as synchronous_commit,
      coalesce(current_setting('app.tenant_id', true), '') as "app.tenant_id"`;
  if (row.encoding !== "UTF8") {
    return `the database has the encoding ${row.encoding}, and this version needs UTF8: make it with encoding 'UTF8'`;
  }
  const wrong = Object.entries(needed).filter(([name, value]) => row[name] !== value);
  if (wrong.length === 0) return undefined;
  const found = wrong.map(([name]) => `${name} = '${row[name]}'`).join(", ");
  const mending = wrong.map(([name, value]) =>
    `alter role ${row.role} in database "${row.database}" set ${name} = '${value}';`
  ).join(" ");
  return `the sessions of ${row.role} have ${found}. As a superuser: ${mending}`;
}
