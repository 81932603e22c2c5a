import assert from "node:assert/strict";
import fc from "fast-check";
import "../../tests/support/fixed_seed.ts";
import { simpleParser } from "mailparser";
import { Secret } from "../../lib/secret.ts";
import { startSmtp } from "../../tests/support/smtp.ts";
import { certificate } from "../../tests/support/smtp_certificate.ts";
import {
  fileTransport,
  MailFailure,
  type OutgoingMail,
  type SmtpOptions,
  smtpTransport,
} from "./transport.ts";

const mail = (to: string, more: Partial<OutgoingMail> = {}): OutgoingMail => ({
  id: crypto.randomUUID(),
  to,
  subject: "Bonjour, é",
  text: "text",
  html: "<p>html</p>",
  attachments: [],
  ...more,
});

const over = (port: number, more: Partial<SmtpOptions> & { scheme?: string; user?: string } = {}) =>
  smtpTransport({
    url: new Secret(`${more.scheme ?? "smtp"}://${more.user ?? ""}127.0.0.1:${port}`),
    from: "no-reply@vpn.example",
    tls: "off",
    ca: undefined,
    ...more,
  });

async function failure(sending: Promise<void>): Promise<string> {
  try {
    await sending;
  } catch (error) {
    if (error instanceof MailFailure) return `${error.kind} ${error.reason}`;
    throw error;
  }
  return "sent";
}

Deno.test("smtpTransport: what arrives is what was meant, and says that a machine wrote it", async () => {
  await using smtp = await startSmtp();
  const sent = mail("ada@acme.example", {
    attachments: [{ filename: "massacorp.conf", content: "[Interface]\n" }],
  });
  await over(smtp.port).send(sent);
  const [received] = await smtp.received(1);
  assert.deepEqual([received?.from, received?.to], ["no-reply@vpn.example", ["ada@acme.example"]]);
  const { parsed } = received ?? assert.fail();
  assert.equal(parsed.subject, sent.subject);
  assert.equal(parsed.text?.trim(), "text");
  assert.equal(parsed.from?.text, '"MassaCorp" <no-reply@vpn.example>');
  assert.equal(parsed.messageId, `<${sent.id}@vpn.example>`);
  assert.equal(parsed.headers.get("auto-submitted"), "auto-generated");
  assert.equal(parsed.attachments[0]?.filename, "massacorp.conf");
  assert.equal(parsed.attachments[0]?.content.toString(), "[Interface]\n");
});

Deno.test("smtpTransport: the server's answer decides whether it is tried again, and none of its words are kept", async () => {
  await using smtp = await startSmtp();
  const way = over(smtp.port);
  // The one that says nothing is not waited for; on a busy machine the others may need longer.
  const impatient = over(smtp.port, { patience: { silenceMs: 300 } });
  const outcomes: Record<string, string> = {};
  for (const name of ["reject-550", "reject-451", "data-552", "data-451", "drop", "hang"]) {
    const by = name === "hang" ? impatient : way;
    outcomes[name] = await failure(by.send(mail(`${name}@acme.example`)));
  }
  assert.deepEqual(outcomes, {
    "reject-550": "refused EENVELOPE 550",
    "reject-451": "later EENVELOPE 451",
    "data-552": "refused EMESSAGE 552",
    "data-451": "later EMESSAGE 451",
    drop: "unavailable ECONNECTION",
    hang: "unavailable ETIMEDOUT",
  });
  assert.deepEqual(smtp.mails, []);
});

Deno.test("smtpTransport: nobody there, and a server that never greets, end within their time", async () => {
  let port;
  {
    await using smtp = await startSmtp("silent");
    port = smtp.port;
    const way = over(port, { patience: { greetingMs: 300, connectionMs: 300 } });
    assert.equal(await failure(way.send(mail("a@b.example"))), "unavailable ETIMEDOUT");
  }
  assert.equal(await failure(over(port).send(mail("a@b.example"))), "unavailable ESOCKET");
});

Deno.test("smtpTransport: without TLS nothing is said but where it was asked for; an unknown certificate ends it", async () => {
  await using clear = await startSmtp("plain");
  await using starttls = await startSmtp("starttls");
  await using tls = await startSmtp("tls");
  const to = () => mail("ada@acme.example");
  const strict = { tls: "required", ca: certificate } as const;
  assert.match(await failure(over(clear.port, strict).send(to())), /^unavailable ETLS/);
  assert.match(await failure(over(starttls.port, { tls: "required" }).send(to())), /^unavailable/);
  assert.match(
    await failure(over(tls.port, { tls: "required", scheme: "smtps" }).send(to())),
    /^unavail/,
  );
  assert.deepEqual([...clear.mails, ...starttls.mails, ...tls.mails], []);
  await over(starttls.port, strict).send(to());
  await over(tls.port, { ...strict, scheme: "smtps" }).send(to());
  for (const server of [starttls, tls]) {
    const [received] = await server.received(1);
    assert.equal(received?.tls, true);
  }
});

Deno.test("smtpTransport: a wrong password is the operator's affair, and no mail is lost for it", async () => {
  await using smtp = await startSmtp("auth");
  const wrong = await failure(over(smtp.port, { user: "massacorp:x@" }).send(mail("a@b.example")));
  assert.match(wrong, /^unavailable EAUTH/);
  await over(smtp.port, { user: "massacorp:p%40ss%2Fword@" }).send(mail("a@b.example"));
  await smtp.received(1);
});

Deno.test("fileTransport: a hostile address, name or subject reaches one recipient or nobody, and adds no header", async () => {
  const folder = await Deno.makeTempDir();
  const way = fileTransport({ folder, from: "no-reply@vpn.example" });
  const hostile = fc.oneof(
    fc.constantFrom(
      "a,b@x.example",
      "<a@x.example>",
      "x <victim@x.example>@x.example",
      "a@x.example\r\nBcc: victim@x.example",
      "a;b@x.example",
      "(c)a@x.example",
      '"q"@x.example',
      "a@b@x.example",
      "a:b@x.example",
      "a\u202Eb@x.example",
      "o'neil+tag@x.example",
      "zoë@x.example",
    ),
    fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => `${text}@x.example`),
  );
  let [delivered, refused] = [0, 0];
  await fc.assert(fc.asyncProperty(hostile, fc.string({ unit: "binary" }), async (to, subject) => {
    const out = mail(to, { subject });
    const outcome = await failure(way.send(out));
    if (outcome !== "sent") {
      refused++;
      return assert.equal(outcome, "refused undeliverable address");
    }
    delivered++;
    const path = `${folder}/${out.id}.eml`;
    assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    const parsed = await simpleParser(await Deno.readTextFile(path));
    const recipients = [parsed.to ?? []].flat().flatMap((each) => each.value);
    assert.equal(recipients.length, 1);
    assert.deepEqual([parsed.cc, parsed.bcc], [undefined, undefined]);
    assert.deepEqual([...parsed.headers.keys()].toSorted(), [
      "auto-submitted",
      "content-type",
      "date",
      "from",
      "message-id",
      "mime-version",
      ...(parsed.headers.has("subject") ? ["subject"] : []),
      "to",
      "x-auto-response-suppress",
    ]);
  }));
  assert.ok(delivered > 5 && refused > 5, `${delivered} delivered, ${refused} refused`);
  await Deno.remove(folder, { recursive: true });
});
