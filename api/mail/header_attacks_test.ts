import assert from "node:assert/strict";
import { adminOf, as, loopback, testApi, userOf } from "../../tests/support/api.ts";
import { databaseDigest } from "../../tests/support/database_digest.ts";
import { startSmtp } from "../../tests/support/smtp.ts";
import { equip } from "../../tests/support/totp.ts";

/** Ends a line in a mail's head, in its body or for whoever shows it, in every form that a text can carry it in. */
const lineBreaks = ["\r\n", "\n", "\r", "\u0085", "\u000b", "\u000c", "\u0000", "\u007f"];
/** The same, of what a name may have. */
const taken = [
  "\u2028",
  "\u2029",
  "\\r\\n",
  "%0d%0a",
  "=?utf-8?q?=0D=0A?=",
  "&#13;&#10;",
  "\u202e",
];
const header = "Bcc: v@evil.io";

Deno.test("mail: no name, reason, device or address adds a line, a header or a recipient to what a mail server gets", async () => {
  await using smtp = await startSmtp();
  await using api = await testApi({
    env: {
      SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
      SMTP_TLS: "off",
      MAIL_FROM: "no-reply@vpn.example",
    },
  });
  const acme = await adminOf(api, "acme");
  const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
  const send = (path: string, method: string, body: unknown) =>
    api.request(`/api/v1${path}`, as(acme, { method, body }));
  const invite = (email: string, name: string) =>
    send("/users/invitations", "POST", { email, name, locale: "fr", enrolment: false });

  const rename = (name: string) =>
    api.request(`/api/v1/tenants/${acme.tenantId}`, { method: "PATCH", body: { name } });

  const before = await databaseDigest(api.db);
  for (const lines of lineBreaks) {
    const text = `Ada${lines}${header}`;
    const refused = [
      await rename(text),
      await send("/users/me", "PUT", { name: text }),
      await invite("eve@acme.example", text),
      await invite(`eve@acme.example${lines}${header}`, "Eve"),
      await invite(`eve${lines}@acme.example`, "Eve"),
      await send(`/users/${bob.userId}/mfa/reset`, "POST", { reason: text }),
      await api.request("/api/v1/auth/login", {
        via: loopback,
        tenant: "acme",
        body: { email: acme.email, password: acme.password, device_name: text },
      }),
    ];
    for (const reply of refused) {
      assert.deepEqual([reply.status, reply.body.code], [422, "invalid_input"], reply.text);
    }
  }
  assert.deepEqual(await databaseDigest(api.db), before);

  const hostile = `Ada${taken.join(header)}${header}<a href="//evil.io">x</a>`;
  for (
    const reply of [
      await rename(hostile),
      await send("/users/me", "PUT", { name: hostile }),
      await invite("eve@acme.example", hostile),
      await send(`/users/${bob.userId}/mfa/reset`, "POST", { reason: hostile }),
      await api.request("/api/v1/auth/change-password", {
        ...as(acme, {
          body: { current_password: acme.password, new_password: "Quince 41 lanterns!" },
        }),
        headers: {
          "user-agent": hostile.replaceAll(/[^ -~]/g, ""),
          "x-forwarded-for": "evil.io",
        },
      }),
    ]
  ) assert(reply.status < 300, reply.text);
  let delivered = 0;
  for (let some = 1; some > 0; delivered += some) some = await api.deps.postman.deliverDue();
  const subjects = new Map<string, string>();
  for (const { to, from, raw, parsed } of await smtp.received(delivered)) {
    const text = `${parsed.text}\n${parsed.html}`;
    assert.equal(from, "no-reply@vpn.example");
    assert.equal(to.length, 1);
    subjects.set(parsed.subject ?? "", String(to));
    const head = raw.slice(0, raw.indexOf("\r\n\r\n"));
    assert.deepEqual(
      [...head.matchAll(/^([^\s:]+):/gm)].map(([, name]) => name?.toLowerCase()).toSorted(),
      [
        ...["auto-submitted", "content-type", "date", "from", "message-id", "mime-version"],
        ...["subject", "to", "x-auto-response-suppress"],
      ],
    );
    // Three letters alone stand in many a boundary's random digits.
    assert.doesNotMatch(head, /evil|bcc *:/i);
    assert.doesNotMatch(text, /evil\.io|v@evil|^Bcc|[\u2028\u2029\u202e]/m);
    assert.equal(parsed.attachments.length, 0);
  }
  assert.deepEqual([...subjects].toSorted(), [
    ["Two-step log-in is on", "bob@acme.example"],
    ["Vous êtes invité", "eve@acme.example"],
    ["Your password was changed", "admin@acme.example"],
    ["Your second factor was reset", "bob@acme.example"],
  ]);
});
