import { letter } from "../../api/mail/letter.ts";
import { type Letter, queueMail } from "../../api/mail/mod.ts";
import { asTenantId } from "../../api/database/tenancy.ts";
import type { TestApi } from "./api.ts";

/** Queues a mail as some change would. */
export function queueFor(api: TestApi, tenant: number, mail: Letter): Promise<string> {
  const tenantId = asTenantId(tenant);
  return api.deps.tenancy.transaction(
    tenantId,
    (sql) => queueMail(api.deps, sql, { tenantId, ...mail }),
  );
}

/** What waits to be sent, opened with the API's own key, in the order it was written. */
export async function waitingMails(api: TestApi): Promise<Letter[]> {
  const rows = await api.db.owner<
    { tenant_id: number; id: string; sealed_letter: Uint8Array<ArrayBuffer> }[]
  >`
    select tenant_id, id, sealed_letter from mails where state = 'queued' order by ctid`;
  return await Promise.all(rows.map(async (row) => {
    const row_ = `mails/${row.tenant_id}/${row.id}`;
    const bytes = await api.deps.letters.open(row.sealed_letter, row_);
    return letter.parse(JSON.parse(new TextDecoder().decode(bytes)));
  }));
}

/** The token in the link of a mail. */
export function tokenIn(mail: Letter | undefined): string {
  const link = mail && "link" in mail.data ? mail.data.link : "";
  const token = new URLSearchParams(new URL(link).hash.slice(1)).get("token");
  if (!token) throw new Error(`no token in ${link}`);
  return token;
}
