import type { Context } from "hono";
import type { AppEnv, Principal } from "./context.ts";
import type { TenantSql } from "./database/tenancy.ts";
import { ApiError, invalidField } from "./errors.ts";

const lifetimeMs = 24 * 3_600_000;

/** The `Idempotency-Key` of a request, bound to what was asked and by whom. */
export interface IdempotencyKey {
  principal: string;
  key: string;
  digest: Uint8Array;
}

/**
 * Reads the header; undefined where there is none.
 * @throws {ApiError} `invalid_input` for text that is no key
 */
export async function idempotencyKey(c: Context<AppEnv>): Promise<IdempotencyKey | undefined> {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return undefined;
  if (!/^[!-~]{1,255}$/.test(key)) {
    throw invalidField(
      "Idempotency-Key",
      "invalid_format",
      "must be 1 to 255 printable characters",
    );
  }
  const principal = c.get("principal");
  const body = new Uint8Array(await c.req.arrayBuffer());
  const head = new TextEncoder().encode(`${c.req.method} ${c.req.path}\n`);
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array([...head, ...body]));
  return {
    principal: nameOf(principal),
    key,
    digest: new Uint8Array(digest),
  };
}

function nameOf(principal: Principal | undefined): string {
  switch (principal?.kind) {
    case "user":
      return `user:${principal.userId}`;
    case "api_key":
      return `api_key:${principal.apiKeyId}`;
    default:
      return "operator";
  }
}

/**
 * Claims the key in the transaction of the creation. Of requests with one key at the same time, the others
 * wait here until the first commits or rolls back.
 *
 * @returns null when the creation is to go on, or the id of what it made before
 * @throws {ApiError} `idempotency_key_reused` when the key was used for another request
 */
export async function claimKey(
  sql: TenantSql,
  { principal, key, digest }: IdempotencyKey,
  at: { tenantId: number; now: number },
): Promise<string | null> {
  await sql`delete from idempotency_keys where created_at < ${new Date(at.now - lifetimeMs)}`;
  const claimed = await sql`
    insert into idempotency_keys (tenant_id, principal, key, request_digest, created_at)
    values (${at.tenantId}, ${principal}, ${key}, ${digest}, ${new Date(at.now)})
    on conflict do nothing`;
  if (claimed.count === 1) return null;
  const [row] = await sql<{ same: boolean; resource_id: string | null }[]>`
    select request_digest = ${digest} as same, resource_id from idempotency_keys
    where principal = ${principal} and key = ${key}`;
  if (!row?.same) throw new ApiError("idempotency_key_reused");
  if (row.resource_id === null) {
    throw new Error("an idempotency key was committed without its resource");
  }
  return row.resource_id;
}

/** Notes what the creation made; before its transaction commits. */
export async function settleKey(
  sql: TenantSql,
  { principal, key }: IdempotencyKey,
  resourceId: string,
): Promise<void> {
  await sql`
    update idempotency_keys set resource_id = ${resourceId}
    where principal = ${principal} and key = ${key}`;
}
