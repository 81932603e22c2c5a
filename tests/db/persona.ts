import postgres from "postgres";
import type { TestDatabase } from "../support/database.ts";

export interface Persona {
  role:
    | "massacorp_api"
    | "massacorp_platform"
    | "massacorp_wgd"
    | "massacorp_sealer"
    | "massacorp_lookup";
  tenant?: number;
}

export type Connection = postgres.ReservedSql;

/** What became of a statement: the rows it touched or returned, or why it was refused. */
export interface Outcome {
  rows: readonly postgres.Row[];
  count: number;
  refused?: { code: string; constraint: string };
}

/**
 * Tries one statement as a persona, in a transaction that rolls back.
 *
 * @param arrange run as the superuser before
 * @param look asked as the superuser afterwards, inside the same transaction: what the statement changed
 */
export async function attempt<T>(
  db: TestDatabase,
  persona: Persona,
  statement: string,
  look: (sql: Connection) => Promise<T>,
  { arrange }: { arrange?: string } = {},
): Promise<Outcome & { after: T }> {
  const sql = await db.superuser.reserve();
  try {
    await sql`begin`;
    if (arrange) await sql.unsafe(arrange);
    await sql.unsafe(`set local role ${persona.role}`);
    if (persona.tenant !== undefined) {
      await sql`select set_config('app.tenant_id', ${String(persona.tenant)}, true)`;
    }
    await sql`savepoint before`;
    const outcome = await run(sql, statement);
    await sql`reset role`;
    return { ...outcome, after: await look(sql) };
  } finally {
    await sql`rollback`;
    sql.release();
  }
}

/** Tries many statements as a persona in one transaction that rolls back; each sees what those before it did. */
export async function attemptAll<T>(
  db: TestDatabase,
  persona: Persona & { tenant: number },
  statements: string[],
  look: (sql: Connection) => Promise<T>,
): Promise<{ outcomes: Outcome[]; after: T }> {
  const sql = await db.superuser.reserve();
  try {
    await sql`begin`;
    await sql.unsafe(`set local role ${persona.role}`);
    await sql`select set_config('app.tenant_id', ${String(persona.tenant)}, true)`;
    await sql`savepoint before`;
    const outcomes: Outcome[] = [];
    for (const statement of statements) outcomes.push(await run(sql, statement));
    await sql`reset role`;
    return { outcomes, after: await look(sql) };
  } finally {
    await sql`rollback`;
    sql.release();
  }
}

async function run(sql: Connection, statement: string): Promise<Outcome> {
  try {
    const rows = await sql.unsafe(statement);
    return { rows: [...rows], count: rows.count };
  } catch (error) {
    if (!(error instanceof postgres.PostgresError)) throw error;
    await sql`rollback to before`;
    const refused = { code: error.code, constraint: error.constraint_name ?? "" };
    return { rows: [], count: 0, refused };
  }
}

/** SQLSTATE of a missing privilege and of a row that a policy refuses. */
export const insufficientPrivilege = "42501";
