import type { Deps } from "../deps.ts";
import type { LimitState } from "../limits/limits.ts";

/** Mails of one kind that go to one address in a minute. */
const mailsAMinute = 3;

/**
 * Counts a mail that somebody asks for. In a tenant of its own: what one of them sends takes nothing of another's.
 * @param mail.by who shares the count
 */
export async function mailAllowance(
  deps: Pick<Deps, "limits" | "identifierDigest">,
  mail: {
    kind: "password_reset" | "verify_email" | "registration" | "invitation" | "new_address";
    tenantId: number;
    to: string;
    by: string;
  },
): Promise<LimitState> {
  const address = (await deps.identifierDigest(mail.to)).toHex();
  return await deps.limits.consumeUpTo(
    mailsAMinute,
    `mail/${mail.kind}/${mail.tenantId}/${address}/${mail.by}`,
  );
}
