import { join } from "node:path";
import { parseArgs } from "node:util";
import { connect } from "../db/connection.ts";
import { publicKeyOfPem } from "../lib/audit/checkpoint.ts";
import { loadVerifyConfig } from "./verify_config.ts";
import { type DatabaseReport, verifyDatabase } from "./verify_database.ts";

const usage = `deno task audit:verify [--folder FOLDER] [--public-key FILE] [--json]
    Recomputes every tenant's audit chain and holds it against the signed checkpoints.

  --folder FOLDER     a copy of the checkpoints, best one that the server cannot write; it may lack the newest
  --public-key FILE   the sealer's public key in PEM; public_key.pem of the folder unless told

  0: every entry is what was sealed and signed; 1: it is not, or it could not be found out`;

export function describe(report: DatabaseReport): string {
  const { checkpoints, tenants, unsealed, unsigned } = report;
  const lines = [
    checkpoints.last === 0
      ? "checkpoints  none"
      : `checkpoints  ${checkpoints.first} to ${checkpoints.last}, the newest of ${checkpoints.at}`,
    ...(report.behind > 0 && checkpoints.faults.length === 0
      ? [`             ${report.behind} more were made since this copy`]
      : []),
    ...checkpoints.faults.map((fault) => `  WRONG  ${fault}`),
  ];
  for (const { tenant_id, links, end, dropped, late, faults, fault_count } of tenants) {
    lines.push(
      `tenant ${tenant_id}  ${links} entries to ${
        end?.seq ?? 0
      }, ${dropped} past their retention, ` +
        `${late} sealed late, ${fault_count} wrong`,
      ...faults.slice(0, 10).map(({ kind, seq, entry_id }) =>
        `  WRONG  ${kind} at ${seq}${entry_id === null ? "" : ` (entry ${entry_id})`}`
      ),
    );
  }
  if (unsealed > 0) lines.push(`WRONG  ${unsealed} entries are not sealed`);
  if (unsigned.length > 0) lines.push(`WRONG  not signed: tenants ${unsigned.join(", ")}`);
  lines.push(report.intact ? "intact" : "NOT INTACT");
  return lines.join("\n");
}

if (import.meta.main) {
  const say = (text: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${text}\n`));
  try {
    const { values } = parseArgs({
      args: Deno.args,
      options: {
        folder: { type: "string" },
        "public-key": { type: "string" },
        json: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    if (values.help) {
      say(usage);
      Deno.exit(0);
    }
    const config = loadVerifyConfig();
    const folder = values.folder ?? config.checkpoints;
    const keyFile = values["public-key"] ?? join(folder, "public_key.pem");
    const publicKey = publicKeyOfPem(await Deno.readTextFile(keyFile));
    const sql = connect(config.databaseUrl, { max: 1, applicationName: "massacorp-audit-verify" });
    try {
      const report = await verifyDatabase(sql, {
        folder,
        publicKey,
        now: Date.now(),
        isCopy: values.folder !== undefined,
      });
      say(values.json ? JSON.stringify(report) : describe(report));
      Deno.exitCode = report.intact ? 0 : 1;
    } finally {
      await sql.end({ timeout: 5 });
    }
  } catch (error) {
    say(`audit:verify: ${error instanceof Error ? error.message : String(error)}`);
    Deno.exit(1);
  }
}
