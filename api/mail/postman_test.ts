import assert from "node:assert/strict";
import { adminOf, peerOf, type TestApi, testApi, testSecrets } from "../../tests/support/api.ts";
import { parseExposition, sampleOf } from "../../tests/support/exposition.ts";
import { queueFor } from "../../tests/support/mails.ts";
import { startSmtp, type TestSmtp } from "../../tests/support/smtp.ts";
import { createLogger } from "../../lib/log.ts";
import { buildDeps } from "../build_deps.ts";
import { loadConfig } from "../config.ts";
import { backOffMs, leaseMs } from "./postman.ts";

const smtpEnv = (port: number) => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  SMTP_TLS: "off",
  MAIL_FROM: "no-reply@vpn.example",
});

const reset = (to: string) => ({
  to,
  locale: "en" as const,
  template: "password_reset" as const,
  data: { link: "http://10.10.0.1:8000/reset#tenant=1&token=very-secret" },
});

async function mailApi(): Promise<TestApi & { smtp: TestSmtp }> {
  await using undo = new AsyncDisposableStack();
  const smtp = undo.use(await startSmtp());
  const api = undo.use(await testApi({ env: smtpEnv(smtp.port) }));
  const owned = undo.move();
  return { ...api, smtp, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

/** A second API process's worth of dependencies on the same database. */
async function another(
  api: TestApi,
  port: number,
): Promise<AsyncDisposable & { deps: TestApi["deps"] }> {
  const { deps, close } = await buildDeps({
    config: loadConfig({
      ...testSecrets,
      ...smtpEnv(port),
      // As testApi() has it: a busy machine takes its time.
      DATABASE_POOL_TIMEOUT: "30",
      DATABASE_URL: api.db.url("massacorp_api").reveal(),
      DATABASE_PLATFORM_URL: api.db.url("massacorp_platform").reveal(),
    }),
    clock: api.clock,
    log: createLogger({ level: "debug", write: (line) => api.log.push(line) }),
  });
  return { deps, [Symbol.asyncDispose]: close };
}

const rows = (api: TestApi) =>
  api.db.owner`
    select state, attempts, failure, sealed_letter is null as forgotten, due_at from mails order by id`;

Deno.test("postman: several processes share the queue, each mail is sent once, and is forgotten then", async () => {
  await using api = await mailApi();
  await using second = await another(api, api.smtp.port);
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const to = Array.from({ length: 24 }, (_, n) => `user-${n}@acme.example`);
  for (const [n, each] of to.entries()) {
    await queueFor(api, n % 2 ? acme.tenantId : other.tenantId, reset(each));
  }
  assert.partialDeepStrictEqual(await api.deps.postman.backlog(), { queued: 24, dead: 0 });
  const sent = await Promise.all(
    [api.deps.postman, second.deps.postman].map((postman) => postman.deliverDue()),
  );
  assert.equal((sent[0] ?? 0) + (sent[1] ?? 0), 24);
  const received = await api.smtp.received(24);
  assert.deepEqual(received.flatMap((mail) => mail.to).toSorted(), to.toSorted());
  for (const row of await rows(api)) {
    assert.deepEqual([row.state, row.attempts, row.forgotten], ["sent", 1, true]);
  }
  assert.equal(await api.deps.postman.deliverDue(), 0);
  assert.deepEqual(await api.deps.postman.backlog(), { queued: 0, dead: 0, oldest: null });
  // A6: neither what was written nor to whom stands in a log.
  assert.doesNotMatch(api.log.join("\n"), /very-secret|user-\d/);
});

Deno.test("postman: N2: tenants take turns: one's thousand mails stand before no other's, in whatever order they came", async () => {
  await using api = await testApi();
  const [acme, other, third] = [
    await adminOf(api, "acme"),
    await adminOf(api, "other"),
    await adminOf(api, "third"),
  ];
  await api.db.owner`
    insert into mails (tenant_id, id, template, sealed_letter, due_at, give_up_at, created_at)
    select ${acme.tenantId}, gen_random_uuid(), 'invitation', decode(repeat('00', 64), 'hex'),
      ${new Date(api.clock.now() - 3_600_000)}::timestamptz + make_interval(secs => n),
      now() + interval '1 day', now()
    from generate_series(1, 1000) n`;
  const queue = (tenant: number) => {
    api.clock.advance(1);
    return queueFor(api, tenant, reset("user@other.example"));
  };
  const others = [
    await queue(other.tenantId),
    await queue(third.tenantId),
    await queue(other.tenantId),
  ];
  const at = new Date(api.clock.now());
  const due = await api.deps.lookups.dueMails({ at, most: 50 });
  assert.equal(due.length, 50);
  assert.deepEqual(
    due.slice(0, 5).map((mail) => others.indexOf(mail.mailId)),
    [-1, 0, 1, -1, 2],
  );
  assert.deepEqual(
    due.slice(0, 5).map((mail) => mail.tenantId),
    [acme, other, third, acme, other].map((who) => who.tenantId),
  );
  const oldest = await api.db.owner`
    select id from mails where tenant_id = ${acme.tenantId} order by due_at limit 47`;
  assert.deepEqual(
    due.filter((mail) => mail.tenantId === acme.tenantId).map((mail) => mail.mailId),
    oldest.map((row) => row.id),
  );
  const before = new Date(api.clock.now() - 3_600_000 + 2_000);
  assert.equal((await api.deps.lookups.dueMails({ at: before, most: 50 })).length, 2, "none early");
});

Deno.test("postman: what is refused for good is dead at once, what is put off comes again later each time", async () => {
  await using api = await mailApi();
  const { postman } = api.deps;
  const acme = await adminOf(api, "acme");
  await queueFor(api, acme.tenantId, reset("reject-550@acme.example"));
  await queueFor(api, acme.tenantId, reset("reject-451@acme.example"));
  await queueFor(api, acme.tenantId, reset("a,victim@acme.example"));
  assert.equal(await postman.deliverDue(), 0);
  const states = (await rows(api)).map((row) => `${row.failure}: ${row.state} ${row.forgotten}`);
  assert.deepEqual(states.toSorted(), [
    "EENVELOPE 451: queued false",
    "EENVELOPE 550: dead true",
    "undeliverable address: dead true",
  ]);
  assert.equal(postman.stats.dead, 2);
  assert.partialDeepStrictEqual(await postman.backlog(), { queued: 1, dead: 2 });
  assert.match(
    api.log.join("\n"),
    /"level":"error","message":"a mail was given up".*EENVELOPE 550/,
  );
  const metrics = parseExposition((await api.request("/metrics")).text);
  for (const [state, count] of [["queued", 1], ["dead", 2]] as const) {
    assert.equal(sampleOf(metrics, "massacorp_api_mails", { state }), count);
  }
  assert.equal(await postman.deliverDue(), 0);
  const putOff = async () => {
    const row = (await rows(api)).find(({ failure }) => failure === "EENVELOPE 451");
    return row ?? assert.fail();
  };
  assert.equal((await putOff()).attempts, 1, "not before it is due");
  const waits: number[] = [];
  for (let attempt = 2; (await putOff()).state === "queued"; attempt++) {
    const wait = (await putOff()).due_at.getTime() - api.clock.now();
    waits.push(wait);
    api.clock.advance(wait);
    await postman.deliverDue();
    assert.equal((await putOff()).attempts, attempt);
  }
  // The link in it would be good no longer.
  assert.ok(waits.length >= 6 && waits.reduce((sum, wait) => sum + wait) < 30 * 60_000, `${waits}`);
  assert.deepEqual(waits, waits.toSorted((a, b) => a - b));
  assert.equal((await putOff()).forgotten, true);
  assert.deepEqual([1, 2, 5, 30].map((n) => backOffMs(n, 0.5)), [
    10_000,
    20_000,
    160_000,
    3_600_000,
  ]);
});

Deno.test("postman: a server that is away costs a queue no more than its first mails an attempt, and nothing is lost", async () => {
  await using api = await mailApi();
  const { postman } = api.deps;
  const acme = await adminOf(api, "acme");
  for (let n = 0; n < 20; n++) await queueFor(api, acme.tenantId, reset(`user-${n}@acme.example`));
  const { port } = api.smtp;
  await api.smtp.stop();
  assert.equal(await postman.deliverDue(), 0);
  const tried = (await rows(api)).filter((row) => row.attempts > 0).length;
  assert.ok(tried >= 1 && tried <= 4, `${tried} tried`);
  assert.equal(postman.stats.lastFailure?.reason, "ESOCKET");
  assert.equal(await postman.deliverDue(), 0, "and asks it nothing for a while");
  assert.equal((await rows(api)).filter((row) => row.attempts > 0).length, tried);
  await using _back = await startSmtp("plain", port);
  api.clock.advance(15_000);
  assert.equal(await postman.deliverDue(), 20);
  assert.equal(postman.stats.lastFailure, null);
});

Deno.test("postman: an alert names the peer that its request came through, and says an address as it is; another tenant's peer has no name", async () => {
  await using api = await mailApi();
  const [acme, other] = [await adminOf(api, "acme"), await adminOf(api, "other")];
  const [own, theirs] = [
    await peerOf(api, acme, { name: "old <phone>" }),
    await peerOf(api, other),
  ];
  const changed = await api.request("/api/v1/auth/change-password", {
    via: own.via,
    token: acme.token,
    body: { current_password: acme.password, new_password: "Quince-marmalade 41 lanterns!" },
  });
  assert.equal(changed.status, 200, changed.text);
  for (const source of [theirs.id, "192.0.2.7"]) {
    const data = { at: "2026-01-31T12:00:00.000Z", source };
    const alert = { to: acme.email, locale: "en" as const, template: "alert_locked" as const };
    await queueFor(api, acme.tenantId, { ...alert, data });
  }
  assert.equal(await api.deps.postman.deliverDue(), 3);
  const told = (await api.smtp.received(3)).map(({ parsed }) =>
    /^From: (.*)$/m.exec(parsed.text ?? "")?.[1]?.replaceAll("\u200B", "") ?? ""
  ).toSorted();
  assert.deepEqual(told, ["192.0.2.7", theirs.id, `old <phone> (${own.id})`].toSorted());
});

Deno.test("postman: a mail whose process died comes due with the end of its lease; one under another key is given up", async () => {
  await using api = await mailApi();
  const acme = await adminOf(api, "acme");
  await queueFor(api, acme.tenantId, reset("ada@acme.example"));
  // What a process leaves that was killed in the middle of it.
  await api.db.owner`
    update mails set attempts = 1, due_at = ${new Date(api.clock.now() + leaseMs)}`;
  assert.equal(await api.deps.postman.deliverDue(), 0);
  api.clock.advance(leaseMs);
  assert.equal(await api.deps.postman.deliverDue(), 1);
  await queueFor(api, acme.tenantId, reset("ada@acme.example"));
  // Moved to another row, as by somebody who can write the table: the seal binds it.
  await api.db.owner`update mails set id = gen_random_uuid() where state = 'queued'`;
  assert.equal(await api.deps.postman.deliverDue(), 0);
  const failures = (await rows(api)).map((row) => row.failure).filter(Boolean);
  assert.deepEqual(failures, ["sealed under another key"]);
});

Deno.test("postman: without a way out mail waits, and whoever runs the API is told", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await queueFor(api, acme.tenantId, reset("ada@acme.example"));
  assert.equal(api.deps.postman.transport, "none");
  api.deps.postman.start();
  assert.equal(await api.deps.postman.deliverDue(), 0);
  assert.match(api.log.join("\n"), /"level":"warn","message":"mail waits: set SMTP_URL/);
  const { oldest, ...backlog } = await api.deps.postman.backlog();
  assert.deepEqual(backlog, { queued: 1, dead: 0 });
  assert.ok(oldest instanceof Date, "and since when");
});
