import assert from "node:assert/strict";
import fc from "fast-check";
import "../../../tests/support/fixed_seed.ts";
import { contrast, leastContrast } from "../../../tests/support/contrast.ts";
import { type Letter, locales } from "../letter.ts";
import { quoted } from "./blocks.ts";
import { render } from "./render.ts";

const link = "http://10.10.0.1:8000/verify#tenant=7&token=abc_-";
const at = "2026-01-31T12:34:56.000Z";

function everyLetter(hostile: string): Letter[] {
  const when = { at, source: hostile };
  return locales.flatMap((locale): Letter[] => {
    const to = { to: "ada@acme.example", locale };
    return [
      { ...to, template: "verify_email", data: { link } },
      { ...to, template: "registration", data: { link } },
      { ...to, template: "already_registered", data: {} },
      { ...to, template: "password_reset", data: { link } },
      {
        ...to,
        template: "invitation",
        data: { link, tenantName: hostile, invitedBy: hostile, confFile: "[Interface]\n" },
      },
      { ...to, template: "invitation", data: { link, tenantName: hostile, invitedBy: null } },
      { ...to, template: "alert_locked", data: when },
      { ...to, template: "alert_guesses", data: when },
      { ...to, template: "alert_password_changed", data: when },
      { ...to, template: "alert_email_changed", data: when },
      { ...to, template: "alert_mfa_enabled", data: when },
      { ...to, template: "alert_mfa_disabled", data: { at, source: null } },
      { ...to, template: "alert_mfa_reset", data: { at, by: hostile, reason: hostile } },
      { ...to, template: "alert_new_recovery_codes", data: { at } },
      { ...to, template: "alert_recovery_code_used", data: { left: 3 } },
      {
        ...to,
        template: "gateway_key",
        data: {
          at,
          tenantName: hostile,
          endpoint: "vpn.example.org:51820",
          publicKey: "vsSoLmI8QLEa5BoFSD/LdiHSScsYGjeLriwcNOO2MCQ=",
          nextPublicKey: "HXH80cZFheHn8zC3RG8va/fAUv1a7OET/6GQxo6Ro0I=",
          peers: 3,
        },
      },
    ];
  });
}

Deno.test("render: every template in both languages, as text and HTML, with its link and nothing remote", () => {
  const subjects = new Set<string>();
  for (const letter of everyLetter("Ada")) {
    const { subject, text, html, attachments } = render(letter);
    subjects.add(subject);
    const links = "link" in letter.data ? [letter.data.link] : [];
    assert.deepEqual([...new Set(text.match(/https?:\S+/g) ?? [])], links);
    assert.deepEqual([...html.matchAll(/href="([^"]*)"/g)].map(([, url]) => url), [
      ...links.map((url) => url.replaceAll("&", "&amp;")),
    ]);
    assert.doesNotMatch(html, /<(img|script|link|style|iframe|object|form)|url\(|src=/i);
    assert.match(html, new RegExp(`<html lang="${letter.locale}"`));
    // Dark letters on what a program in the dark has under them are no letter.
    assert.match(html, /<meta name="viewport".*\n<meta name="color-scheme" content="light">/);
    assert.match(html, /<body style="[^"]*color:#111111;background:#ffffff/);
    for (const [, style = ""] of html.matchAll(/style="([^"]*)"/g)) {
      const of = (name: string) => new RegExp(`(?:^|;)${name}:(#\\w+)`).exec(style)?.[1];
      const colours = [of("color") ?? "#111111", of("background") ?? "#ffffff"] as const;
      assert.ok(contrast(...colours) >= leastContrast, style);
    }
    const file = letter.template === "invitation" && letter.data.confFile !== undefined;
    assert.equal(attachments.length, file ? 1 : 0);
  }
  // Two invitations a language have one subject.
  assert.equal(subjects.size, 30);
});

Deno.test("render: what a user chose is text of one line: no markup, no link, no header, no other direction", () => {
  const hostile = [
    "<script>alert(1)</script>",
    "Ada\r\nBcc: victim@x.example",
    "evil\u202Egnp.exe",
    "\u2066left\u2069 \u200Fto right",
    "Log in at https://evil.example/now or evil.example",
    '"><a href=javascript:alert(1)>',
    "a\u2028b\u0000c\u0085d",
    "\ud800half",
    "x".repeat(5000),
  ];
  for (const value of hostile) {
    for (const letter of everyLetter(value)) {
      const { subject, text, html } = render(letter);
      assert.doesNotMatch(subject, /[\r\n]|Ada|evil/);
      assert.doesNotMatch(`${text}${html}`, /[\u202A-\u202E\u2066-\u2069\u200E\u200F\0\u2028]/u);
      assert.doesNotMatch(html, /<script|<a href=javascript|evil\.example/);
      assert.doesNotMatch(text, /evil\.example|\r|\nBcc/);
      assert.equal(html.match(/<a /g)?.length ?? 0, "link" in letter.data ? 1 : 0);
      assert.ok(text.length < 3000);
    }
  }
});

Deno.test("quoted: never more than a line of printable text, and nothing to click", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 400 }), (value) => {
    const made = quoted(value);
    assert.doesNotMatch(made.replaceAll("\u200B", ""), /[\p{C}\p{Zl}\p{Zp}]/u);
    assert.doesNotMatch(made, /:\/\/|\w\.\w|@\w/);
    assert.ok([...made.replaceAll("\u200B", "")].length <= 101);
    assert.ok(made.isWellFormed());
  }));
});
