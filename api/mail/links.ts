import type { Secret } from "../../lib/secret.ts";
import type { Deps } from "../deps.ts";

/** The pages that links of mails lead to. */
export type Page = "accept" | "verify" | "reset";

/**
 * A link to a page of this server, as the configuration names it and never as a request does. Tenant and token
 * stand in the fragment, which no browser sends: not to a log, not to a proxy, not in a referrer, and what looks
 * at a link to show a preview uses nothing up.
 */
export function pageLink(
  deps: { settings: Pick<Deps["settings"], "publicUrl"> },
  page: Page,
  to: { tenantId: number; token: Secret<string> },
): string {
  return `${deps.settings.publicUrl}/${page}#tenant=${to.tenantId}&token=${to.token.reveal()}`;
}
