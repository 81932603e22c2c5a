import { currentTrace } from "../../lib/trace.ts";
import { v7 as uuidv7 } from "uuid";
import type { PlatformSql, TenantSql } from "../database/tenancy.ts";
import type { Deps } from "../deps.ts";
import { type Letter, letterRow, patienceMs } from "./letter.ts";
import { finishMail, insertMail } from "./store.ts";

/** Takes a mail back that has not left yet, and forgets what it said. */
export async function withdrawMail(sql: TenantSql, mail: { id: string; at: Date }): Promise<void> {
  await finishMail(sql, { ...mail, state: "withdrawn", failure: null });
}

/**
 * Queues a mail in the transaction of the change that causes it: both commit, or neither. What it says is sealed,
 * because it may carry a link or a client's file, and is forgotten once it was sent.
 * @param sql of the tenant that the mail is about
 * @param mail.id that of what it is about, where the mail may be taken back with it
 * @returns the mail's id
 */
export async function queueMail(
  deps: Pick<Deps, "letters" | "clock">,
  sql: TenantSql | PlatformSql,
  mail: { tenantId: number; id?: string } & Letter,
): Promise<string> {
  const now = deps.clock.now();
  const { tenantId, id = uuidv7({ msecs: now }), ...letter } = mail;
  const text = new TextEncoder().encode(JSON.stringify(letter));
  await insertMail(sql, {
    tenantId,
    id,
    template: letter.template,
    sealedLetter: await deps.letters.seal(text, letterRow({ tenantId, id })),
    at: new Date(now),
    trace: currentTrace(),
    giveUpAt: new Date(now + patienceMs(letter.template)),
  });
  return id;
}
