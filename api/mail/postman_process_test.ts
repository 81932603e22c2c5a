import assert from "node:assert/strict";
import { adminOf, testApi } from "../../tests/support/api.ts";
import { apiProcess } from "../../tests/support/api_process.ts";
import { queueFor } from "../../tests/support/mails.ts";
import { startSmtp } from "../../tests/support/smtp.ts";
import { certificate } from "../../tests/support/smtp_certificate.ts";
import { until } from "../../tests/support/until.ts";

const mail = (to: string) => ({
  to,
  locale: "fr" as const,
  template: "password_reset" as const,
  data: { link: "http://10.10.0.1:8000/reset#tenant=1&token=very-secret" },
});

Deno.test("mail: D2: an API killed before it sends, and in the middle of it, loses no mail", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await queueFor(api, acme.tenantId, mail("ada@acme.example"));
  const attempts = async () => (await api.db.owner`select attempts from mails`)[0]?.attempts;
  let port;
  {
    // A server that never says a word, so that the kill comes while the mail is under way.
    await using silent = await startSmtp("silent");
    port = silent.port;
    await using first = await apiProcess(api, smtp(port));
    await until("the mail is under way", () => silent.connections() > 0, { timeoutMs: 60_000 })
      .catch((cause) => {
        throw new Error(first.log.join("\n"), { cause });
      });
    await first.kill();
  }
  assert.equal(await attempts(), 1);
  // The lease of the dead process ends.
  await api.db.owner`update mails set due_at = now() - interval '1 second'`;
  await using server = await startSmtp("starttls", port);
  await using second = await apiProcess(api, smtp(port));
  const [received] = await server.received(1).catch((cause) => {
    throw new Error(second.log.join("\n"), { cause });
  });
  assert.deepEqual([received?.to, received?.tls], [["ada@acme.example"], true]);
  assert.match(received?.parsed.text ?? "", /token=very-secret/);
  await until("it is done", async () => {
    const [row] = await api.db.owner`select state, attempts, sealed_letter from mails`;
    return row?.state === "sent" && row.attempts === 2 && row.sealed_letter === null;
  });
  assert.doesNotMatch(second.log.join("\n"), /very-secret|ada@acme|NotCapable/);
});

const smtp = (port: number) => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  SMTP_CA: certificate,
  MAIL_FROM: "no-reply@vpn.example",
});

Deno.test("mail: without a server it becomes files that the API's user alone can read", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const id = await queueFor(api, acme.tenantId, mail("ada@acme.example"));
  const folder = await Deno.makeTempDir();
  await using running = await apiProcess(api, { MAIL_FOLDER: folder });
  const { mode } = await until("the file is there", () => Deno.stat(`${folder}/${id}.eml`), {
    timeoutMs: 60_000,
  }).catch((cause) => {
    throw new Error(running.log.join("\n"), { cause });
  });
  assert.equal((mode ?? 0) & 0o777, 0o600);
  await until("it is done", async () => {
    const [row] = await api.db.owner`select state from mails`;
    return row?.state === "sent";
  });
  await Deno.remove(folder, { recursive: true });
});
