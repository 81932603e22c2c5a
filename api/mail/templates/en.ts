import { facts, link, quoted, text } from "./blocks.ts";
import type { Phrases } from "./phrases.ts";

const time = (at: string) => `${at.slice(0, 10)} at ${at.slice(11, 16)} UTC`;
const where = (source: string | null) => source === null ? "unknown" : quoted(source);
const notYou = text(
  "If this was not you, change your password now and tell the administrator of your company.",
);

export const en: Phrases = {
  verify_email: ({ link: url }) => ({
    subject: "Confirm your e-mail address",
    blocks: [
      text("Please confirm that this is your e-mail address. The link is good for 24 hours, once."),
      link("Confirm the address", url),
      text("If you did not expect this message, do nothing: nothing will happen."),
    ],
  }),
  registration: ({ link: url }) => ({
    subject: "Confirm your registration",
    blocks: [
      text(
        "Somebody, you we hope, asked for an account with this address and chose a password for it. Confirm only if that was you. The link is good for 24 hours, once.",
      ),
      link("Confirm the registration", url),
      text("If it was not you, do nothing: no account will be made."),
    ],
  }),
  already_registered: () => ({
    subject: "You have an account already",
    blocks: [
      text(
        "Somebody, you we hope, asked for a new account with this address. You have one already: log in with it, or ask for a new password if you forgot yours.",
      ),
      text("Nothing was changed. If it was not you, do nothing."),
    ],
  }),
  password_reset: ({ link: url }) => ({
    subject: "Choose a new password",
    blocks: [
      text(
        "Somebody, you we hope, asked for a new password for your account. The link is good for 30 minutes, once.",
      ),
      link("Choose a new password", url),
      text(
        "If it was not you, do nothing: your password stays as it is. Never pass this link on.",
      ),
    ],
  }),
  invitation: ({ link: url, tenantName, invitedBy, confFile }) => ({
    subject: "You are invited",
    blocks: [
      text(
        invitedBy === null
          ? `You are invited to “${quoted(tenantName)}”.`
          : `${quoted(invitedBy)} invites you to “${quoted(tenantName)}”.`,
      ),
      ...(confFile === undefined ? [] : [text(
        "The attached file massacorp.conf is a WireGuard tunnel that is good for this one purpose. Import it in the WireGuard app and turn it on: the link works through the tunnel alone.",
      )]),
      link("Accept the invitation", url),
      text("The link is good for 24 hours at most, once. Never pass it or the file on."),
    ],
  }),
  alert_locked: ({ at, source }) => ({
    subject: "Log-ins to your account are paused",
    blocks: [
      text(
        "Too many log-ins to your account failed, so that further ones from the same place are refused for 15 minutes. Elsewhere you log in as ever.",
      ),
      facts(["When", time(at)], ["From", where(source)]),
      text(
        "If it was you, wait and try again. If not, your password held; tell your administrator.",
      ),
    ],
  }),
  alert_guesses: ({ at, source }) => ({
    subject: "Somebody may be guessing your password",
    blocks: [
      text(
        "Many log-ins to your account failed within 15 minutes, from more than one place together. Nothing is refused because of that; until it stops, a log-in may take a moment longer.",
      ),
      facts(["The last one", time(at)], ["From", where(source)]),
      text(
        "If it was you, there is nothing to do. If not, your password held; tell your administrator.",
      ),
    ],
  }),
  alert_password_changed: ({ at, source }) => ({
    subject: "Your password was changed",
    blocks: [
      text("The password of your account was changed, and your other sessions were ended."),
      facts(["When", time(at)], ["From", where(source)]),
      notYou,
    ],
  }),
  alert_email_changed: ({ at, source }) => ({
    subject: "Your e-mail address was changed",
    blocks: [
      text("Your account has another e-mail address now. Messages no longer come here."),
      facts(["When", time(at)], ["From", where(source)]),
      text("If this was not you, tell the administrator of your company at once."),
    ],
  }),
  alert_mfa_enabled: ({ at, source }) => ({
    subject: "Two-step log-in is on",
    blocks: [
      text("A second factor was set up for your account."),
      facts(["When", time(at)], ["From", where(source)]),
      notYou,
    ],
  }),
  alert_mfa_disabled: ({ at, source }) => ({
    subject: "Two-step log-in is off",
    blocks: [
      text("The second factor of your account was removed: the password alone logs in."),
      facts(["When", time(at)], ["From", where(source)]),
      notYou,
    ],
  }),
  alert_mfa_reset: ({ at, by, reason }) => ({
    subject: "Your second factor was reset",
    blocks: [
      text("An administrator removed the second factor of your account."),
      facts(
        ["When", time(at)],
        ["By", by === null ? "the operator" : quoted(by)],
        ["Reason", quoted(reason)],
      ),
      text("If you did not ask for it, tell the administrator of your company."),
    ],
  }),
  alert_new_recovery_codes: ({ at }) => ({
    subject: "You have new recovery codes",
    blocks: [
      text("New recovery codes were made for your account; the old ones are void."),
      facts(["When", time(at)]),
      notYou,
    ],
  }),
  alert_recovery_code_used: ({ left }) => ({
    subject: "A recovery code was used",
    blocks: [
      text("Somebody, you we hope, logged in to your account with a recovery code."),
      facts(["Codes left", String(left)]),
      notYou,
    ],
  }),
  gateway_key: ({ at, tenantName, endpoint, publicKey, nextPublicKey, peers }) => ({
    subject: "The tunnels of your company need one new line",
    blocks: [
      text(
        `The gateway of “${
          quoted(tenantName)
        }” gets a new key. From that moment on each tunnel is silent until one line of its file is changed: PublicKey, in the section [Peer]. All else stays as it is.`,
      ),
      facts(
        ["When", time(at)],
        ["Gateway", quoted(endpoint)],
        ["Tunnels", String(peers)],
        ["PublicKey now", publicKey],
        ["PublicKey then", nextPublicKey],
      ),
      text(
        "Tell everybody who has a tunnel, before that moment. A new file from the API has the new line as soon as the moment is over.",
      ),
    ],
  }),
};
