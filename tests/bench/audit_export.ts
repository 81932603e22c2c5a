import { adminOf, testApi } from "../support/api.ts";
import { fillAuditLog, readExport } from "../support/audit_export.ts";
import { absolute, type Result } from "./measure.ts";

/**
 * Exports of a tenant's whole audit log in both formats, read as fast as they come: how long they take, and how
 * far the memory of the process (client included) grows over what it was after a short export.
 */
export async function auditExport({ entries }: { entries: number }): Promise<Result[]> {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await fillAuditLog(api.db.owner, acme.tenantId, 10_000);
  await readExport(api, acme, "ndjson");
  await fillAuditLog(api.db.owner, acme.tenantId, entries - 10_000);
  await api.db.owner`analyze audit_log`;
  const results: Result[] = [];
  for (const format of ["csv", "ndjson"] as const) {
    const before = Deno.memoryUsage().rss;
    let most = before;
    const started = performance.now();
    const { lines } = await readExport(api, acme, format, () => {
      most = Math.max(most, Deno.memoryUsage().rss);
    });
    const seconds = (performance.now() - started) / 1000;
    if (lines < entries) throw new Error(`${lines} lines of ${entries} entries`);
    const name = `audit export, ${entries} entries, ${format}`;
    results.push(
      {
        name,
        unit: "entries/s",
        value: Math.round(lines / seconds),
        ...{ reference: null, ratio: null, bar: null, holds: null },
      },
      absolute({
        name: `${name}: memory grown by`,
        unit: "MB",
        value: (most - before) / 2 ** 20,
        most: 64,
      }),
    );
  }
  return results;
}
