import { dirname } from "node:path";
import {
  type Answer,
  type ApiClient,
  ApiRefusal,
  createOperatorClient,
  everyItem as everyItemOf,
  expect,
  type Problem,
} from "../client/mod.ts";
import { CliError } from "./error.ts";

/** The running API, spoken to as its operator. */
export type OperatorApi = ApiClient;

/** The answer of a call. @throws {CliError} with the problem's own words when the API refuses */
export async function ask<T>(call: Promise<Answer<T>>): Promise<T> {
  return await inWords(expect(call));
}

/** Every item of a list, page after page. @throws {CliError} */
export async function everyItem<T>(list: Parameters<typeof everyItemOf<T>>[0]): Promise<T[]> {
  return await inWords(everyItemOf(list));
}

async function inWords<T>(calls: Promise<T>): Promise<T> {
  try {
    return await calls;
  } catch (error) {
    if (error instanceof ApiRefusal) throw new CliError(describe(error.problem));
    if (error instanceof DOMException && error.name === "TimeoutError") {
      throw new CliError(
        `the API did not answer within ${
          patienceMs / 1000
        } s; whether it did what it was asked is not known`,
      );
    }
    if (error instanceof TypeError || error instanceof SyntaxError) {
      throw new CliError("the API broke off; whether it did what it was asked is not known");
    }
    throw error;
  }
}

/** Parameters of a call about a tenant. @param tenant id or slug */
export const inTenant = (tenant: string) => ({ header: { "X-Tenant-ID": tenant } });

/** Only the fields that have a value. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined) Object.assign(kept, { [key]: value });
  }
  return kept;
}

/** Finds the socket that an API listens on. @throws {CliError} when there is none */
export async function connectOperator(sockets: string[]): Promise<OperatorApi & Disposable> {
  for (const socket of sockets) {
    if (await listens(socket)) return createOperatorClient(socket, { timeoutMs: patienceMs });
  }
  throw new CliError(
    `no API listens on ${
      sockets.join(" or ")
    }. Start it with ./massacorp up, call this as the same user ` +
      "(root, where it was started by root), or name the socket in OPERATOR_SOCKET",
  );
}

async function listens(path: string): Promise<boolean> {
  try {
    // Where `up` goes for want of a short path, anybody could listen, and would be handed what is the API's.
    if (
      path.startsWith("/tmp/massacorp-") &&
      (await Deno.lstat(dirname(dirname(path)))).uid !== Deno.uid()
    ) {
      return false;
    }
    const connection = await Deno.connect({ transport: "unix", path });
    connection.close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** How long one call may take. */
const patienceMs = 30_000;

function describe({ title, code, detail, errors }: Problem): string {
  const fields = (errors ?? []).map(({ path, message }) => `\n  ${path || "body"}: ${message}`);
  return `${title}${detail && detail !== title ? `: ${detail}` : ""} (${code})${fields.join("")}`;
}
