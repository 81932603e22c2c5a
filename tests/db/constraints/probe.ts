import type { TestDatabase } from "../../support/database.ts";
import type { Connection } from "../persona.ts";

/** What became of a statement that was undone: refused by whom, or the rows it touched. */
export interface Verdict {
  code: string;
  constraint: string;
  rows: number;
  message: string;
}

export interface Probe extends AsyncDisposable {
  sql: Connection;
  /** Tries each from where the last one began; what is deferred to the commit is looked at, too. */
  judge(statements: readonly string[]): Promise<Verdict[]>;
}

/** A transaction as the superuser, so that tables can be arranged; all of it is rolled back. */
export async function probing(db: TestDatabase): Promise<Probe> {
  const sql = await db.superuser.reserve();
  await sql`begin`;
  await sql.unsafe(`
    create function pg_temp.judge(statement text, out code text, out "constraint" text, out rows integer, out message text)
    language plpgsql as $$
    begin
      begin
        execute statement;
        get diagnostics rows = row_count;
        set constraints all immediate;
        raise exception using errcode = 'UNDUE';
      exception when others then
        get stacked diagnostics code = returned_sqlstate, "constraint" = constraint_name, message = message_text;
      end;
    end
    $$`);
  return {
    sql,
    async judge(statements) {
      return await sql<Verdict[]>`
        select case when code = 'UNDUE' then '' else code end as code, "constraint", coalesce(rows, 0) as rows, message
        from unnest(${[...statements]}::text[]) with ordinality as each (statement, n),
          lateral pg_temp.judge(statement)
        order by n`;
    },
    async [Symbol.asyncDispose]() {
      await sql`rollback`;
      sql.release();
    },
  };
}
