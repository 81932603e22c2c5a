import type postgres from "postgres";
import { DatabaseUnavailable } from "./errors.ts";
import type { Pool, Slot } from "./pool.ts";
import { watch } from "./watch.ts";

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
/** A statement outside of every tenant, until a function of the database enters one by itself. */
export type EnteringSql = Statement<"entering">;
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
  /**
   * One read by a function of the database that enters the tenant before it looks, such as `session_proof`: one
   * message, which is a transaction by itself. Whatever else is asked here is inside no tenant, and sees nothing.
   */
  ask<T extends readonly (object | undefined)[]>(
    statement: (sql: EnteringSql) => postgres.PendingQuery<T>,
  ): Promise<postgres.RowList<T>>;
  /**
   * The same for a function that writes: on a connection of its own, since its commit waits for the disk.
   * @param tenant the one that it enters, in whose turn it is
   */
  act<T extends readonly (object | undefined)[]>(
    tenant: number,
    statement: (sql: EnteringSql) => postgres.PendingQuery<T>,
  ): Promise<postgres.RowList<T>>;
  /** Several statements inside a tenant, committed together when `work` resolves and rolled back when it rejects. */
  transaction<T>(tenant: TenantId, work: (sql: TenantSql) => Promise<T>): Promise<T>;
}

export interface Platform {
  transaction<T>(work: (sql: PlatformSql, enter: Enter) => Promise<T>): Promise<T>;
}

/** Sets the tenant of the running platform transaction. */
export type Enter = (tenant: TenantId) => Promise<void>;

/** @param pool of the role that row-level security holds */
export function createTenancy(pool: Pool): Tenancy {
  return {
    query: (tenant, statement) =>
      pool.use(async (slot) => {
        const begun = watch(slot, slot.sql`begin`).execute();
        const set = setTenant(slot, tenant).execute();
        // Not awaited between: should the tenant fail to be set, the transaction is aborted and this with it.
        const result = attempt(() => statement(bind<"tenant">(slot, once())));
        const committed = watch(slot, slot.sql`commit`).execute();
        const settled = await Promise.allSettled([begun, set, result, committed]);
        for (const outcome of settled) {
          if (outcome.status === "rejected") throw outcome.reason;
        }
        return await result;
      }, tenant),
    ask: (statement) =>
      pool.share((slot) => attempt(() => statement(bind<"entering">(slot, once())))),
    act: (tenant, statement) =>
      pool.use((slot) => attempt(() => statement(bind<"entering">(slot, once()))), tenant),
    transaction: (tenant, work) =>
      pool.use((slot) =>
        runTransaction(slot, async (guard, begun) => {
          // BEGIN, the tenant and the first statements travel together. Were BEGIN refused, the setting of the
          // tenant, which is local to a transaction, would end with its own statement, and what follows would
          // be inside no tenant.
          const setting = setTenant(slot, tenant).execute();
          const [result] = await Promise.all([work(bind<"tenant">(slot, guard)), setting, begun]);
          return result;
        }), tenant),
  };
}

/** @param pool of the role that sees every tenant */
export function createPlatform(pool: Pool): Platform {
  return {
    transaction: (work) =>
      pool.use((slot) =>
        runTransaction(slot, async (guard, begun) => {
          // This role sees every tenant, so nothing may go out before its transaction stands.
          await begun;
          return await work(bind<"platform">(slot, guard), async (tenant) => {
            await setTenant(slot, tenant, guard);
          });
        })
      ),
  };
}

/** A guard that lets one statement through. */
function once(): () => void {
  let asked = false;
  return () => {
    if (asked) throw new Error("a statement came after its transaction had ended");
    asked = true;
  };
}

/** Sends a statement; one that cannot even be written rejects like any other. */
function attempt<T extends readonly (object | undefined)[]>(
  statement: () => postgres.PendingQuery<T>,
): Promise<postgres.RowList<T>> {
  try {
    return statement().execute();
  } catch (error) {
    return Promise.reject(error);
  }
}

/** BEGIN, work, COMMIT on one connection. `guard` throws once the transaction is over or its connection lost. */
async function runTransaction<T>(
  slot: Slot,
  work: (guard: () => void, begun: Promise<unknown>) => Promise<T>,
): Promise<T> {
  const { sql } = slot;
  const begun = watch(slot, sql`begin`).execute();
  begun.catch(() => {});
  let over = false;
  const guard = () => {
    // A branch of `work` that outlived it must not speak on a connection that somebody else holds by then.
    if (over) throw new Error("a statement came after its transaction had ended");
    // The driver would quietly go on over a new connection, outside the transaction.
    if (slot.lost) {
      throw new DatabaseUnavailable("the connection was lost in the middle of a transaction");
    }
  };
  try {
    const result = await work(guard, begun);
    guard();
    over = true;
    const commit = await watch(slot, sql`commit`);
    if (commit.command !== "COMMIT") {
      throw new Error("the transaction had failed and was rolled back");
    }
    return result;
  } catch (error) {
    over = true;
    // Whatever is still under way on this connection ends before it is given to somebody else. A connection
    // that cannot even roll back is dropped by `watch`, and `error` stays the one to report.
    if (!slot.lost) await watch(slot, sql`rollback`).catch(() => {});
    throw error;
  }
}

/** Transaction-local, always: a setting of the session would outlive its request on a pooled connection. */
function setTenant(slot: Slot, tenant: TenantId, guard?: () => void) {
  return watch(
    slot,
    slot.sql`select set_config('app.tenant_id', ${String(tenant)}, true)`,
    guard,
  );
}

function bind<Scope extends string>(slot: Slot, guard: () => void) {
  const statement = <T extends readonly (object | undefined)[]>(
    template: TemplateStringsArray,
    ...parameters: readonly postgres.ParameterOrFragment<never>[]
  ) => watch(slot, slot.sql<T>(template, ...parameters), guard);
  return Object.assign(statement, { json: slot.sql.json }) as Statement<Scope>;
}
