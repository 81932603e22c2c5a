import type { Context } from "hono";
import { routePath } from "hono/route";
import type { Clock } from "../../lib/clock.ts";
import { errorFields, type Logger } from "../../lib/log.ts";
import type { AppEnv, Principal } from "../context.ts";
import type { Tenancy, TenantId } from "../database/tenancy.ts";

/** Counts what API keys are used for, and writes it down in batches: a request costs no write. */
export interface ApiKeyUsage {
  /** Counts a request that was answered. */
  note(c: Context<AppEnv>, key: Principal & { kind: "api_key" }): void;
  /** Writes what was counted since the last time. */
  flush(): Promise<void>;
  /** Writes the rest, and ends. */
  close(): Promise<void>;
}

/** What a `kill -9` may lose. */
const flushMs = 5_000;
const keptDays = 90;

interface Count {
  tenantId: TenantId;
  keyId: string;
  day: string;
  endpoint: string;
  requests: number;
  errors: number;
  lastUsedAt: number;
}

export function createApiKeyUsage(
  { tenancy, clock, log }: { tenancy: Tenancy; clock: Clock; log: Logger },
): ApiKeyUsage {
  let counts = new Map<string, Count>();
  const timer = setInterval(() => void flush(), flushMs);
  Deno.unrefTimer(timer);

  async function flush(): Promise<void> {
    const pending = Map.groupBy(counts.values(), (count) => count.tenantId);
    counts = new Map();
    for (const [tenantId, rows] of pending) {
      try {
        await write(tenancy, tenantId, rows);
      } catch (error) {
        // Usage is a service to its readers, not a record: better some of it lost than memory without end.
        log.warn("the use of API keys could not be written", errorFields(error));
      }
    }
  }

  return {
    note(c, { tenantId, apiKeyId }) {
      const now = clock.now();
      const day = new Date(now).toISOString().slice(0, 10);
      const endpoint = `${c.req.method} ${routePath(c, -1)}`.slice(0, 200);
      const id = `${apiKeyId} ${day} ${endpoint}`;
      const count = counts.get(id) ??
        { tenantId, keyId: apiKeyId, day, endpoint, requests: 0, errors: 0, lastUsedAt: now };
      count.requests++;
      if (c.res.status >= 400) count.errors++;
      count.lastUsedAt = now;
      counts.set(id, count);
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

async function write(tenancy: Tenancy, tenantId: TenantId, counts: Count[]): Promise<void> {
  const rows = counts.map((count) => ({
    api_key_id: count.keyId,
    day: count.day,
    endpoint: count.endpoint,
    requests: count.requests,
    errors: count.errors,
    last_used_at: new Date(count.lastUsedAt).toISOString(),
  }));
  await tenancy.transaction(tenantId, async (sql) => {
    // In one order everywhere, so that two processes never wait for each other.
    await sql`
      insert into api_key_usage (tenant_id, api_key_id, day, endpoint, requests, errors)
      select ${tenantId}, r.api_key_id, r.day, r.endpoint, r.requests, r.errors
      from jsonb_to_recordset(${sql.json(rows)}::jsonb) as r (
        api_key_id uuid, day date, endpoint text, requests bigint, errors bigint
      )
      join api_keys k on k.id = r.api_key_id
      order by r.api_key_id, r.day, r.endpoint
      on conflict (tenant_id, api_key_id, day, endpoint) do update
        set requests = api_key_usage.requests + excluded.requests,
          errors = api_key_usage.errors + excluded.errors`;
    await sql`
      update api_keys k set last_used_at = greatest(k.last_used_at, r.at)
      from (
        select api_key_id, max(last_used_at) as at
        from jsonb_to_recordset(${
      sql.json(rows)
    }::jsonb) as r (api_key_id uuid, last_used_at timestamptz)
        group by api_key_id
      ) r
      where k.id = r.api_key_id`;
    await sql`
      delete from api_key_usage where day < current_date - ${keptDays}::integer
        and api_key_id = any (${[...new Set(counts.map((count) => count.keyId))]}::uuid[])`;
  });
}
