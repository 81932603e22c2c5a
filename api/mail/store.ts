import type { PlatformSql, TenantSql } from "../database/tenancy.ts";

export async function insertMail(
  sql: TenantSql | PlatformSql,
  mail: {
    tenantId: number;
    id: string;
    template: string;
    sealedLetter: Uint8Array;
    at: Date;
    giveUpAt: Date;
  },
): Promise<void> {
  await sql`
    insert into mails (tenant_id, id, template, sealed_letter, due_at, give_up_at, created_at)
    values (${mail.tenantId}, ${mail.id}, ${mail.template}, ${mail.sealedLetter}, ${mail.at}, ${mail.giveUpAt},
      ${mail.at})`;
}
