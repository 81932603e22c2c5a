import type postgres from "postgres";
import { DatabaseUnavailable, isConnectionError } from "./errors.ts";
import type { Pool, Slot } from "./pool.ts";

declare const scope: unique symbol;

/** A tenant's id, from a look-up or a verified token: a number that came with a request is none. */
export type TenantId = number & { readonly [scope]: "tenant id" };

/** The id of a tenant that a look-up or a verified token named. */
export function asTenantId(id: number): TenantId {
  return id as TenantId;
}

/** An id that no tenant has: inside it, nothing of any tenant shows. */
export const noTenant = asTenantId(0);

interface Statement<Scope extends string> {
  <T extends readonly (object | undefined)[] = postgres.Row[]>(
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
  ): postgres.PendingQuery<T>;
  json(value: postgres.JSONValue): postgres.Parameter;
  /** Only this module makes one; a plain connection does not fit where one is asked for. */
  readonly [scope]: Scope;
}

/** Statements inside one tenant: row-level security shows that tenant's rows and no others. */
export type TenantSql = Statement<"tenant">;
/** Statements of the platform role, which sees every tenant but, of all other tables, one tenant's rows. */
export type PlatformSql = Statement<"platform">;

export interface Tenancy {
  /**
   * One statement inside a tenant, in one flush to the server: BEGIN, the tenant, the statement, COMMIT.
   * For reads, and for single statements that need no look before the leap.
   */
  query<T extends readonly (object | undefined)[]>(
    tenant: TenantId,
    statement: (sql: TenantSql) => postgres.PendingQuery<T>,
  ): Promise<postgres.RowList<T>>;
  /** Several statements inside a tenant, committed together when `work` resolves and rolled back when it rejects. */
  transaction<T>(tenant: TenantId, work: (sql: TenantSql) => Promise<T>): Promise<T>;
}

export interface Platform {
  transaction<T>(work: (sql: PlatformSql, enter: Enter) => Promise<T>): Promise<T>;
}

/** Sets the tenant of the running platform transaction. */
export type Enter = (tenant: TenantId) => Promise<void>;

export function createTenancy(pool: Pool): Tenancy {
  return {
    query: (tenant, statement) =>
      pool.use(async ({ sql }) => {
        const settled = await Promise.allSettled([
          sql`begin`.execute(),
          setTenant(sql, tenant).execute(),
          // Not awaited between: should the tenant fail to be set, the transaction is aborted and this with it.
          statement(bind<"tenant">(sql)).execute(),
          sql`commit`.execute(),
        ]);
        for (const outcome of settled) {
          if (outcome.status === "rejected") throw outcome.reason;
        }
        const result = settled[2];
        if (result.status === "rejected") throw result.reason;
        return result.value;
      }),
    transaction: (tenant, work) =>
      pool.use((slot) =>
        runTransaction(slot, async (guard) => {
          const setting = setTenant(slot.sql, tenant).execute();
          const [result] = await Promise.all([work(bind<"tenant">(slot.sql, guard)), setting]);
          return result;
        })
      ),
  };
}

export function createPlatform(pool: Pool): Platform {
  return {
    transaction: (work) =>
      pool.use((slot) =>
        runTransaction(slot, (guard) =>
          work(bind<"platform">(slot.sql, guard), async (tenant) => {
            guard();
            await setTenant(slot.sql, tenant);
          }))
      ),
  };
}

/**
 * BEGIN, work, COMMIT on one connection. `guard` throws once the connection was lost: the driver would
 * quietly go on over a new one, outside the transaction.
 */
async function runTransaction<T>(
  slot: Slot,
  work: (guard: () => void) => Promise<T>,
): Promise<T> {
  const { sql } = slot;
  await sql`begin`;
  const before = slot.losses;
  let over = false;
  const guard = () => {
    // A branch of `work` that outlived it must not speak on a connection that somebody else holds by then.
    if (over) throw new Error("a statement came after its transaction had ended");
    if (slot.losses !== before) {
      throw new DatabaseUnavailable("the connection was lost in the middle of a transaction");
    }
  };
  try {
    const result = await work(guard);
    guard();
    const commit = await sql`commit`;
    if (commit.command !== "COMMIT") {
      throw new Error("the transaction had failed and was rolled back");
    }
    return result;
  } catch (error) {
    // Whatever is still under way on this connection ends before it is given to somebody else.
    if (slot.losses === before && !isConnectionError(error)) await sql`rollback`;
    throw error;
  } finally {
    over = true;
  }
}

/** Transaction-local, always: a setting of the session would outlive its request on a pooled connection. */
function setTenant(sql: postgres.Sql, tenant: TenantId) {
  return sql`select set_config('app.tenant_id', ${String(tenant)}, true)`;
}

function bind<Scope extends string>(sql: postgres.Sql, guard: () => void = () => {}) {
  const statement = (
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
  ) => {
    guard();
    return sql(template, ...parameters);
  };
  return Object.assign(statement, { json: sql.json }) as Statement<Scope>;
}
