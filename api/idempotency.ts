import type { Context } from "hono";
import { z } from "@hono/zod-openapi";
import type { AppEnv, Principal } from "./context.ts";
import type { PlatformSql, TenantSql } from "./database/tenancy.ts";
import { ApiError, invalidField } from "./errors.ts";

/** How long a key is known. */
export const keyLifetimeMs = 24 * 3_600_000;

/** Of every operation that creates. */
export const idempotencyHeader = z.object({
  "idempotency-key": z.string().optional().openapi({
    description:
      "Repeats a creation whose answer was lost: within a day the same key with the same request creates nothing more. No secret is kept for it: one that was never used is made anew, and otherwise it is null in the answer to the repetition",
  }),
});

/** The `Idempotency-Key` of a request, bound to what was asked and by whom. */
export interface IdempotencyKey {
  principal: string;
  key: string;
  digest: Uint8Array;
}

/**
 * Reads the header; undefined where there is none.
 * @param known by what the caller is known where there is no principal
 * @throws {ApiError} `invalid_input` for text that is no key
 */
export async function idempotencyKey(
  c: Context<AppEnv>,
  known?: string,
): Promise<IdempotencyKey | undefined> {
  const key = c.req.header("idempotency-key");
  if (key === undefined) return undefined;
  if (!/^[!-~]{1,255}$/.test(key)) {
    throw invalidField(
      "Idempotency-Key",
      "invalid_format",
      "must be 1 to 255 printable characters",
    );
  }
  const body = new Uint8Array(await c.req.arrayBuffer());
  const head = new TextEncoder().encode(`${c.req.method} ${c.req.path}\n`);
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array([...head, ...body]));
  return {
    principal: known ?? nameOf(c.get("principal")),
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
 * Makes something, in the transaction of its creation, or repeats the answer where its key made it before. Of
 * requests with one key at the same time, the others wait here until the first commits or rolls back.
 *
 * @param of what names the thing that was made, in `repeat`; written down before the transaction commits
 * @throws {ApiError} `idempotency_key_reused` when the key was used for another request
 */
export async function createOnce<T>(
  sql: TenantSql | PlatformSql,
  key: IdempotencyKey | undefined,
  { tenantId, now, make, repeat, of }: {
    tenantId: number;
    /** Milliseconds since the Unix epoch. */
    now: number;
    make: () => Promise<T>;
    repeat: (earlier: string) => Promise<T>;
    of: (made: T) => string;
  },
): Promise<T> {
  if (!key) return await make();
  const earlier = await claimKey(sql, key, { tenantId, now });
  const made = earlier === null ? await make() : await repeat(earlier);
  if (of(made) !== earlier) await settleKey(sql, key, of(made));
  return made;
}

/** What the key made before, locked so that two repetitions take turns. */
export async function earlierOf(
  sql: TenantSql | PlatformSql,
  { principal, key, digest }: IdempotencyKey,
  now: number,
): Promise<string | null> {
  const [row] = await sql<{ same: boolean; resource_id: string | null }[]>`
    select request_digest = ${digest} as same, resource_id from idempotency_keys
    where tenant_id = (select current_tenant_id()) and principal = ${principal} and key = ${key}
      and created_at >= ${new Date(now - keyLifetimeMs)}
    for update`;
  if (!row) return null;
  if (!row.same) throw new ApiError("idempotency_key_reused");
  if (row.resource_id === null) {
    throw new Error("an idempotency key was committed without its resource");
  }
  return row.resource_id;
}

async function claimKey(
  sql: TenantSql | PlatformSql,
  claim: IdempotencyKey,
  { tenantId, now }: { tenantId: number; now: number },
): Promise<string | null> {
  const { principal, key, digest } = claim;
  await sql`delete from idempotency_keys where created_at < ${new Date(now - keyLifetimeMs)}`;
  const claimed = await sql`
    insert into idempotency_keys (tenant_id, principal, key, request_digest, created_at)
    values (${tenantId}, ${principal}, ${key}, ${digest}, ${new Date(now)})
    on conflict do nothing`;
  return claimed.count === 1 ? null : await earlierOf(sql, claim, now);
}

async function settleKey(
  sql: TenantSql | PlatformSql,
  { principal, key }: IdempotencyKey,
  resourceId: string,
): Promise<void> {
  await sql`
    update idempotency_keys set resource_id = ${resourceId}
    where tenant_id = (select current_tenant_id()) and principal = ${principal} and key = ${key}`;
}
