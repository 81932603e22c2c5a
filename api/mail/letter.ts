import { z } from "zod";

export const locales = ["en", "fr"] as const;
export type Locale = typeof locales[number];

const link = z.url();
/** When something happened, and from where: a peer or an address, or nothing that is known. */
const when = { at: z.iso.datetime(), source: z.string().nullable() };

/** What each template is filled with. */
const data = {
  verify_email: z.strictObject({ link }),
  registration: z.strictObject({ link }),
  already_registered: z.strictObject({}),
  password_reset: z.strictObject({ link }),
  invitation: z.strictObject({
    link,
    tenantName: z.string(),
    invitedBy: z.string().nullable(),
    /** The enrolment peer's file, attached as `massacorp.conf`. */
    confFile: z.string().max(16_384).exactOptional(),
  }),
  alert_locked: z.strictObject(when),
  /** Failures in several ways, of which none may have locked. */
  alert_guesses: z.strictObject(when),
  alert_password_changed: z.strictObject(when),
  /** To the address that was given up. */
  alert_email_changed: z.strictObject(when),
  alert_mfa_enabled: z.strictObject(when),
  alert_mfa_disabled: z.strictObject(when),
  alert_mfa_reset: z.strictObject({
    at: z.iso.datetime(),
    by: z.string().nullable(),
    reason: z.string(),
  }),
  alert_new_recovery_codes: z.strictObject({ at: z.iso.datetime() }),
  alert_recovery_code_used: z.strictObject({ left: z.int().min(0) }),
  /** To the admins of a tenant: from that moment on its clients need the new line. */
  gateway_key: z.strictObject({
    at: z.iso.datetime(),
    tenantName: z.string(),
    endpoint: z.string(),
    publicKey: z.string(),
    nextPublicKey: z.string(),
    peers: z.int().min(1),
  }),
} as const;

type Templates = typeof data;
export type TemplateName = keyof Templates;
export type TemplateData<T extends TemplateName> = z.input<Templates[T]>;

/** A mail to somebody, in one of the templates. */
export type Letter = {
  [T in TemplateName]: { to: string; locale: Locale; template: T; data: TemplateData<T> };
}[TemplateName];

const letterOf = <T extends TemplateName>(template: T) =>
  z.strictObject({
    to: z.string(),
    locale: z.enum(locales),
    template: z.literal(template),
    data: data[template],
  });

/** Reads a letter back as it was sealed. */
export const letter = z.discriminatedUnion("template", [
  letterOf("verify_email"),
  letterOf("registration"),
  letterOf("already_registered"),
  letterOf("password_reset"),
  letterOf("invitation"),
  letterOf("alert_locked"),
  letterOf("alert_guesses"),
  letterOf("alert_password_changed"),
  letterOf("alert_email_changed"),
  letterOf("alert_mfa_enabled"),
  letterOf("alert_mfa_disabled"),
  letterOf("alert_mfa_reset"),
  letterOf("alert_new_recovery_codes"),
  letterOf("alert_recovery_code_used"),
  letterOf("gateway_key"),
]);

const minutes = 60_000;

/** How long delivery is tried: no longer than the link in it is good, and three days for what tells something. */
export function patienceMs(template: TemplateName): number {
  switch (template) {
    case "password_reset":
      return 30 * minutes;
    case "verify_email":
    case "registration":
    case "invitation":
      return 24 * 60 * minutes;
    default:
      return 3 * 24 * 60 * minutes;
  }
}

/** What a sealed letter is bound to. */
export function letterRow(mail: { tenantId: number; id: string }): string {
  return `mails/${mail.tenantId}/${mail.id}`;
}
