import assert from "node:assert/strict";
import {
  loopback,
  type RequestOptions,
  superadminOf,
  testApi,
} from "../../../tests/support/api.ts";
import { apiProcess } from "../../../tests/support/api_process.ts";
import { until } from "../../../tests/support/until.ts";

const keyed = (key: string, options: RequestOptions): RequestOptions => ({
  ...options,
  headers: { ...options.headers, "Idempotency-Key": key },
});

Deno.test("Idempotency-Key: of the platform: an operator's and a superadmin's keys are apart, and a mail is not sent twice", async () => {
  await using api = await testApi();
  const boss = await superadminOf(api);
  const body = { slug: "acme", name: "Acme", admin_email: "a@acme.example", delivery: "mail" };
  const create = (more: RequestOptions = {}, slug = "acme") =>
    api.request("/api/v1/tenants", keyed("k", { ...more, body: { ...body, slug } }));
  const as = { via: loopback, token: boss.token };
  const made = await create(as);
  const again = await create(as);
  assert.deepEqual([made.status, again.status], [201, 201], again.text);
  assert.deepEqual([again.body.tenant.id, again.body.token, again.body.enrolment.config], [
    made.body.tenant.id,
    null,
    null,
  ]);
  assert.equal((await api.db.owner`select from mails`).length, 1);
  assert.equal((await create()).body.code, "slug_taken", "the operator's key is another");
  assert.equal((await create({}, "beta")).status, 201);
  assert.equal((await create(as, "gamma")).body.code, "idempotency_key_reused");
  api.clock.advance(24 * 3_600_000 + 1);
  const late = await api.request(
    "/api/v1/tenants",
    keyed("k", { body: { ...body, slug: "delta" } }),
  );
  assert.equal(late.status, 201, "a key lasts a day");
  const root = {
    slug: "platform",
    name: "The platform",
    admin_email: boss.email,
    is_platform: true,
  };
  assert.equal((await api.request("/api/v1/tenants", keyed("p", { body: root }))).status, 409);
});

Deno.test("create tenant: D2: killed between its halves it leaves nothing that anybody finds, and is finished by its key or made again", async () => {
  await using api = await testApi({ inProcess: "another process is killed" });
  const body = (slug: string) => ({ slug, name: "New", admin_email: `ada@${slug}.example` });
  await using process = await apiProcess(api);
  await until("it serves", async () => {
    const answer = await fetch(`${process.scrapeUrl}/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.ok;
  }, { timeoutMs: 60_000 }).catch((cause) => {
    throw new Error(process.log.join("\n"), { cause });
  });
  // The second half, which makes the invitation, waits for this.
  const [held, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const holding = api.db.owner.begin(async (sql) => {
    await sql`lock table invitations in access exclusive mode`;
    held.resolve();
    await over.promise;
  });
  await held.promise;
  const client = Deno.createHttpClient({
    proxy: { transport: "unix", path: process.operatorSocket },
  });
  const asked = ["acme", "beta"].map((slug) =>
    fetch("http://localhost/api/v1/tenants", {
      client,
      method: "POST",
      headers: { "Content-Type": "application/json", "Idempotency-Key": `key-of-${slug}` },
      body: JSON.stringify(body(slug)),
    }).then((answer) => answer.text(), () => "cut off")
  );
  const unfinished = () =>
    api.db.owner<{ id: number; status: string }[]>`
      select id, status from tenants where unfinished_since is not null order by slug`;
  await until("the first halves are there", async () => (await unfinished()).length === 2);
  await process.kill();
  assert.deepEqual(await Promise.all(asked), ["cut off", "cut off"]);
  client.close();
  over.resolve();
  await holding;
  const [acme, beta] = await unfinished();
  assert(acme && beta);
  for (const [{ id, status }, slug] of [[acme, "acme"], [beta, "beta"]] as const) {
    assert.equal(status, "suspended");
    for (
      const [path, options] of [
        [`/api/v1/tenants/${id}`, {}],
        [`/api/v1/tenants/${id}`, { method: "PATCH", body: { name: "x" } }],
        [`/api/v1/tenants/${id}/resume`, { method: "POST" }],
        ["/api/v1/users", { tenant: id }],
        ["/api/v1/users", { tenant: slug, body: { email: "x@acme.example" } }],
      ] as [string, RequestOptions][]
    ) {
      assert.equal((await api.request(path, options)).status, 404, path);
    }
  }
  assert.deepEqual((await api.request("/api/v1/tenants")).body.items, []);

  const repeated = await api.request(
    "/api/v1/tenants",
    keyed("key-of-acme", { body: body("acme") }),
  );
  assert.equal(repeated.status, 201, repeated.text);
  assert.deepEqual([repeated.body.tenant.id, repeated.body.tenant.status], [acme.id, "active"]);
  assert.equal(repeated.body.invitation.email, "ada@acme.example");

  const made = await api.request("/api/v1/tenants", { body: body("beta") });
  assert.equal(made.status, 201, made.text);
  assert.notEqual(made.body.tenant.id, beta.id);
  const [left] = await api.db.owner`select status, slug from tenants where id = ${beta.id}`;
  assert.deepEqual({ ...left }, { status: "deleted", slug: null });
  const log = await api.db.owner`
    select action, details->>'reason' as reason from audit_log where tenant_id = ${beta.id} order by id`;
  assert.deepEqual(log.map((entry) => ({ ...entry })), [
    { action: "tenant.create", reason: null },
    { action: "tenant.delete", reason: "its creation was cut off" },
  ]);
});

Deno.test("create tenant: of fifty who make one slug at once one gets it whole, and what was given up goes with the next", async () => {
  await using api = await testApi();
  const body = { slug: "acme", name: "Acme", admin_email: "a@acme.example", enrolment: false };
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => api.request("/api/v1/tenants", { body })),
  );
  const codes = replies.map(({ status, body }) => status === 201 ? "made" : body.code);
  assert.equal(codes.filter((code) => code === "made").length, 1);
  assert.deepEqual(codes.filter((code) => !["made", "slug_taken", "overtaken"].includes(code)), []);
  const made = replies.find(({ status }) => status === 201)?.body.tenant;
  const rows = await api.db.owner`
    select id, status, unfinished_since from tenants where status <> 'deleted'`;
  assert.deepEqual(rows.map((row) => ({ ...row })), [
    { id: made.id, status: "active", unfinished_since: null },
  ]);

  await api.db.owner`
    insert into tenants (slug, name, unfinished_since)
    values ('old', 'Old', ${new Date(api.clock.now() - 3_600_001)}),
      ('young', 'Young', ${new Date(api.clock.now() - 3_500_000)})`;
  await api.request("/api/v1/tenants", { body: { ...body, slug: "next" } });
  const left = await api.db.owner`select slug from tenants where unfinished_since is not null
    and status <> 'deleted'`;
  assert.deepEqual(left.map(({ slug }) => slug), ["young"]);
});
