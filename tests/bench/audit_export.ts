import { fillAuditLog } from "../support/audit_export.ts";
import { accounts, type ApiProcess, apiProcess, logIn } from "./identity/api_process.ts";
import { absolute, type Result } from "./measure.ts";

type Format = "csv" | "ndjson";

/**
 * Exports of a tenant's whole audit log, read as fast as they come: how long they take, and how far the memory of the
 * API, a process of its own as `up` starts it, grows over what it was after a short one of each format. Each format is exported
 * twice in turns: what the later ones add was kept, and not only not collected yet.
 */
export async function auditExport({ entries }: { entries: number }): Promise<Result[]> {
  await using api = await apiProcess();
  const [admin] = await accounts(api, { slug: "acme", count: 1 });
  if (!admin) throw new Error("no account");
  const few = 10_000;
  await fillAuditLog(api.db.owner, admin.tenantId, few);
  // Proves himself anew each time: an export asks for a log-in of the last minutes.
  const token = async () => (await logIn(api, admin)).access_token;
  // Log-ins at once leave the room that their hashes took; it is none that an export takes.
  await Promise.all([token(), token(), token(), token()]);
  for (const format of ["csv", "ndjson"] as const) await readExport(api, await token(), format);
  await fillAuditLog(api.db.owner, admin.tenantId, entries - few);
  await api.db.owner`analyze audit_log`;
  const before = await api.resident();
  const results: Result[] = [];
  for (const [turn, format] of (["csv", "ndjson", "csv", "ndjson"] as const).entries()) {
    const started = performance.now();
    const { lines, most } = await readExport(api, await token(), format);
    const seconds = (performance.now() - started) / 1000;
    if (lines < entries) throw new Error(`${lines} lines of ${entries} entries`);
    const name = `audit export ${turn + 1}, ${entries} entries, ${format}`;
    results.push(
      {
        name,
        unit: "entries/s",
        value: Math.round(lines / seconds),
        ...{ reference: null, ratio: null, bar: null, holds: null },
      },
      absolute({
        name: `${name}: the API's memory grown by`,
        unit: "MB",
        value: (most - before) / 2 ** 20,
        most: 64,
      }),
    );
  }
  return results;
}

/** Reads an export to its end and keeps nothing of it; the most memory that the API took meanwhile, in bytes. */
async function readExport(
  api: ApiProcess,
  token: string,
  format: Format,
): Promise<{ lines: number; most: number }> {
  const response = await fetch(`${api.url}/audit/export?format=${format}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  if (!response.ok || !response.body) throw new Error(await response.text());
  let [lines, most, looked] = [0, 0, 0];
  for await (const part of response.body) {
    for (const byte of part) if (byte === 10) lines++;
    if (performance.now() - looked < 20) continue;
    looked = performance.now();
    most = Math.max(most, await api.resident());
  }
  return { lines, most };
}
