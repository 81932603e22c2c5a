import type postgres from "postgres";
import { isAnswer } from "./errors.ts";
import type { Slot } from "./pool.ts";

/**
 * Makes a statement safe to send on a held connection.
 *
 * - `guard` speaks at the moment the statement goes out, which may be long after it was written.
 * - Any failure that is not the server's answer gives the connection up. A parameter that cannot be
 *   serialised is such a failure: the driver then takes the answers of later statements for it, and the last
 *   one never gets any.
 */
export function watch<T extends readonly (object | undefined)[]>(
  slot: Slot,
  query: postgres.PendingQuery<T>,
  guard: () => void = () => {},
): postgres.PendingQuery<T> {
  // What the driver keeps on a query; it offers no hook for either moment.
  const handler: unknown = Reflect.get(query, "handler");
  const resolve: unknown = Reflect.get(query, "resolve");
  const reject: unknown = Reflect.get(query, "reject");
  if (
    typeof handler !== "function" || typeof resolve !== "function" || typeof reject !== "function"
  ) {
    throw new TypeError("this version of the driver is built differently");
  }
  const statement = {
    cancelUnsent() {
      if (Reflect.get(query, "state") === null) query.cancel();
    },
  };
  Object.assign(query, {
    handler() {
      try {
        guard();
      } catch (error) {
        return reject(error);
      }
      slot.underWay.add(statement);
      handler(query);
    },
    resolve(value: unknown) {
      slot.underWay.delete(statement);
      resolve(value);
    },
    reject(error: unknown) {
      slot.underWay.delete(statement);
      if (!isAnswer(error)) slot.giveUp();
      reject(error);
    },
  });
  return query;
}
