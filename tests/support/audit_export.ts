import type { Sql } from "../../db/connection.ts";
import { loopback, type Persona, type TestApi } from "./api.ts";

/** So many more entries in a tenant's audit log, of the size that entries have. */
export async function fillAuditLog(owner: Sql, tenantId: number, entries: number): Promise<void> {
  await owner`
    insert into audit_log (tenant_id, actor, action, outcome, target_type, target_id, request_id, details)
    select ${tenantId}, 'operator', 'test.entry', 'succeeded', 'peer', gen_random_uuid()::text,
      gen_random_uuid()::text, jsonb_build_object('n', n, 'before', 'some value', 'after', '=another value')
    from generate_series(1, ${entries}::integer) n`;
}

/** Reads an export to its end and keeps nothing of it. */
export async function readExport(
  api: TestApi,
  who: Persona,
  format: "csv" | "ndjson",
): Promise<{ lines: number; bytes: number; largest: number }> {
  const response = await api.fetch(`/api/v1/audit/export?format=${format}`, {
    via: loopback,
    token: who.token,
  });
  if (response.status !== 200 || !response.body) throw new Error(await response.text());
  let [lines, bytes, largest] = [0, 0, 0];
  for await (const part of response.body) {
    bytes += part.length;
    largest = Math.max(largest, part.length);
    for (const byte of part) if (byte === 10) lines++;
  }
  return { lines, bytes, largest };
}
