import type { Migration } from "./migrate.ts";
import { contractMarker } from "./schema_version.ts";

/** What the code before a migration, or a big table, may not survive in one step. */
const rules: readonly { name: string; found: (statement: string) => boolean }[] = [
  { name: "drops a column", found: (s) => /\bdrop column\b/.test(s) },
  { name: "drops a table", found: (s) => /^drop table\b/.test(s) },
  { name: "renames", found: (s) => /^alter .*\brename\b/.test(s) },
  {
    name: "changes a column's type",
    found: (s) => /\balter column \S+ (set data )?type\b/.test(s),
  },
  { name: "sets not null", found: (s) => /\balter column \S+ set not null\b/.test(s) },
  {
    name: "adds a column that is not null and has no default",
    found: (s) =>
      /^alter table\b/.test(s) &&
      s.split(/,(?![^(]*\))/).some((part) =>
        /\badd column\b/.test(part) && /\bnot null\b/.test(part) &&
        !/\bdefault\b|\bgenerated\b/.test(part)
      ),
  },
  {
    name: "takes rights away",
    // A look-up's owner may create in the schema for the moment in which it gets a function, and never longer.
    found: (s) =>
      /^revoke\b/.test(s) && !/\bfrom public\b/.test(s) &&
      s !== "revoke create on schema public from massacorp_lookup",
  },
];

/**
 * Tables that have a row for each peer, event or request: building an index holds up every write to them. With
 * `if not exists` it can be made by hand before.
 */
const bigTables =
  /^create (unique )?index (?!if not exists )\S+ on (only )?(audit_log|audit_seals|wg_peers|wg_peer_events|wg_peer_status|wg_peer_traffic|sessions|login_attempts|idempotency_keys|mails|users|api_key_usage)\b/;

/**
 * What a migration does that has to be spread over two releases (db/CONVENTIONS.md, "Expand, then contract"), unless
 * a line `-- contract: <reason>` says that the code before it is gone by then.
 */
export function contractions({ sql }: Pick<Migration, "sql">): string[] {
  if (contractMarker.test(sql)) return [];
  const made = new Set<string>();
  return statements(sql).flatMap((statement) => {
    const table = /^create table (if not exists )?(\S+)/.exec(statement)?.[2];
    if (table) made.add(table);
    const target =
      /^(?:alter table (?:only )?|create (?:unique )?index \S+ on (?:only )?)([a-z_.]+)/
        .exec(statement)?.[1];
    if (target && made.has(target)) return [];
    const found = rules.filter((rule) => rule.found(statement)).map(({ name }) => name);
    if (bigTables.test(statement)) found.push("builds an index on a big table while it is locked");
    return found.map((name) => `${name}: ${statement.slice(0, 80)}`);
  });
}

/** Statements in one line each, in lower case, without comments, texts and bodies of functions. */
function statements(sql: string): string[] {
  return sql.replace(/\$(\w*)\$[\s\S]*?\$\1\$/g, "''")
    .replace(/'(?:[^']|'')*'/g, "''")
    .replace(/--.*$/gm, "")
    .split(";")
    .map((statement) => statement.replace(/\s+/g, " ").trim().toLowerCase())
    .filter((statement) => statement !== "");
}
