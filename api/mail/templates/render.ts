import type { Letter, Locale } from "../letter.ts";
import { asHtml, asText, type Content } from "./blocks.ts";
import { en } from "./en.ts";
import { fr } from "./fr.ts";
import type { Phrases } from "./phrases.ts";

const phrases: Record<Locale, Phrases> = { en, fr };

export interface Rendered {
  subject: string;
  text: string;
  html: string;
  attachments: readonly { filename: string; content: string }[];
}

export function render(letter: Letter): Rendered {
  const content = contentOf(phrases[letter.locale], letter);
  return {
    subject: content.subject,
    text: asText(content),
    html: asHtml(content, letter.locale),
    attachments: letter.template === "invitation" && letter.data.confFile !== undefined
      ? [{ filename: "massacorp.conf", content: letter.data.confFile }]
      : [],
  };
}

function contentOf(words: Phrases, letter: Letter): Content {
  // One case each, because only so the compiler sees that template and data belong together.
  switch (letter.template) {
    case "verify_email":
      return words.verify_email(letter.data);
    case "registration":
      return words.registration(letter.data);
    case "already_registered":
      return words.already_registered(letter.data);
    case "password_reset":
      return words.password_reset(letter.data);
    case "invitation":
      return words.invitation(letter.data);
    case "alert_locked":
      return words.alert_locked(letter.data);
    case "alert_guesses":
      return words.alert_guesses(letter.data);
    case "alert_password_changed":
      return words.alert_password_changed(letter.data);
    case "alert_email_changed":
      return words.alert_email_changed(letter.data);
    case "alert_mfa_enabled":
      return words.alert_mfa_enabled(letter.data);
    case "alert_mfa_disabled":
      return words.alert_mfa_disabled(letter.data);
    case "alert_mfa_reset":
      return words.alert_mfa_reset(letter.data);
    case "alert_new_recovery_codes":
      return words.alert_new_recovery_codes(letter.data);
    case "alert_recovery_code_used":
      return words.alert_recovery_code_used(letter.data);
    case "gateway_key":
      return words.gateway_key(letter.data);
  }
}
