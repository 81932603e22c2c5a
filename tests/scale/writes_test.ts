import assert from "node:assert/strict";
import { adminOn, type Scale, spread, statuses, threeApis, userOn } from "../support/scale.ts";
import type { Reply } from "../support/api.ts";
import { startSmtp } from "../support/smtp.ts";
import { until } from "../support/until.ts";

Deno.test("scale: D1, D2: what three processes write at once is written once", async (t) => {
  await using smtp = await startSmtp("plain");
  const env = {
    SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
    SMTP_TLS: "off",
    MAIL_FROM: "a@corp.example",
  };
  await using scale = await threeApis({ env });
  const [one, two, three] = scale.apis;
  const acme = await adminOn(scale, "acme");
  const by = { from: acme.from, token: acme.token };

  await t.step("fifty creations with one Idempotency-Key make one peer", async () => {
    const body = { name: "once" };
    const headers = { "Idempotency-Key": crypto.randomUUID() };
    // Who waited for the others longer than a lock is waited for is told to ask again, and does.
    const create = async (api: Scale["apis"][number]): Promise<Reply> => {
      const reply = await api.request("/api/v1/wireguard/peers", { ...by, headers, body });
      if (reply.status !== 503) return reply;
      assert.deepEqual([reply.body.code, reply.headers.get("retry-after")], ["overloaded", "1"]);
      return await create(api);
    };
    const replies = await spread(scale, 50, create);
    assert.deepEqual(statuses(replies), { 201: 50 });
    assert.equal(new Set(replies.map((reply) => reply.body.peer.id)).size, 1);
    const [row] = await scale.db.owner`
      select count(*)::integer as n from wg_peers where name = 'once'`;
    assert.equal(row?.n, 1);
    const other = await two.request("/api/v1/wireguard/peers", {
      ...by,
      headers,
      body: { name: "x" },
    });
    assert.equal(other.body.code, "idempotency_key_reused");
  });

  await t.step(
    "what can be had once is had once, when all three are asked for it at once",
    async () => {
      const won = (replies: readonly Reply[]) =>
        replies.filter(({ status }) => status < 300).length;
      const { body: made } = await one.request("/api/v1/wireguard/peers", {
        ...{ ...by, body: { name: "linked", delivery: "link" } },
      });
      const fetched = await spread(scale, 50, (api) =>
        api.request("/api/v1/wireguard/deliveries", {
          ...{ from: acme.from, tenant: "acme", body: { token: made.delivery.token } },
        }));
      assert.deepEqual(statuses(fetched), { 200: 1, 404: 49 });
      const invited = await two.request("/api/v1/users/invitations", {
        ...{ ...by, body: { email: "once@acme.example", delivery: "inline" } },
      });
      assert.equal(invited.status, 201, invited.text);
      const { token } = invited.body;
      const accepted = await spread(
        scale,
        9,
        (api) =>
          api.request("/api/v1/users/invitations/accept", {
            from: acme.from,
            tenant: "acme",
            body: { token, password: "A long Sentence for 1 user!", name: "Once" },
          }),
      );
      assert.equal(won(accepted), 1, JSON.stringify(statuses(accepted)));
      const [row] = await scale.db.owner`
      select count(*)::integer as n from users where email = 'once@acme.example'`;
      assert.equal(row?.n, 1);
    },
  );

  await t.step(
    "D1: each creation and refusal has one audit entry, whichever process it met",
    async () => {
      const before = await entries(scale, "peer.create");
      const replies = await spread(
        scale,
        12,
        (api) => api.request("/api/v1/wireguard/peers", { ...by, body: { name: "counted" } }),
      );
      assert.deepEqual(statuses(replies), { 201: 12 });
      assert.equal(await entries(scale, "peer.create") - before, 12);
      assert.equal(new Set(replies.map(({ body }) => body.peer.address)).size, 12, "T5");
      const shown = await three.request("/api/v1/audit?action=peer.create&limit=200", by);
      assert.equal(shown.body.items.length, before + 12);
    },
  );

  await t.step(
    "the last admin stays, when fifty ask three processes to take the role away",
    async () => {
      const rival = await adminOn(scale, "rival");
      const other = await userOn(scale, rival, "admin");
      const replies = await Promise.all(
        Array.from({ length: 50 }, (_, n) => {
          const [who, whom] = n % 2 ? [rival, other] : [other, rival];
          const api = scale.apis[n % 3] ?? one;
          return api.request(`/api/v1/users/${whom.userId}/deactivate`, {
            ...{ method: "POST", from: who.from, token: who.token },
          });
        }),
      );
      assert(
        // On a busy machine some give up waiting for the rest, and have changed nothing.
        replies.every(({ status }) => [200, 204, 401, 409, 503].includes(status)),
        JSON.stringify(statuses(replies)),
      );
      const [left] = await scale.db.owner`
      select count(*)::integer as n from users u
      join user_roles h on h.tenant_id = u.tenant_id and h.user_id = u.id
      join roles r on r.tenant_id = h.tenant_id and r.id = h.role_id and r.name = 'admin'
      where u.tenant_id = ${rival.tenantId} and u.status = 'active'`;
      assert.equal(left?.n, 1, JSON.stringify(statuses(replies)));
    },
  );

  await t.step("each mail leaves once, though three postmen look for it", async () => {
    const addresses = Array.from({ length: 30 }, (_, n) => `guest${n}@acme.example`);
    const replies = await Promise.all(
      addresses.map((email, n) =>
        (scale.apis[n % 3] ?? one).request("/api/v1/users/invitations", { ...by, body: { email } })
      ),
    );
    assert.deepEqual(statuses(replies), { 201: 30 });
    await until("nothing waits", async () => {
      const [row] = await scale.db.owner<[{ waiting: number; sent: number }]>`
        select count(*) filter (where state <> 'sent')::integer as waiting,
          count(*) filter (where state = 'sent')::integer as sent from mails`;
      // What the server has told of is what it has taken: a second copy would be there by now.
      return row.waiting === 0 && row.sent === smtp.mails.length;
    }, { timeoutMs: 60_000 });
    const sent = smtp.mails.flatMap(({ to }) => to).filter((to) => /guest/.test(to));
    assert.deepEqual(sent.toSorted(), addresses.toSorted());
  });

  await t.step("the use of an API key adds up, and its end is known everywhere", async () => {
    const made = await one.request("/api/v1/api-keys", {
      ...by,
      body: { name: "machine", scopes: ["wireguard.read"] },
    });
    const { key, api_key: { id } } = made.body;
    const list = (api: Scale["apis"][number]) =>
      api.request("/api/v1/wireguard/peers", { from: acme.from, headers: { "X-API-Key": key } });
    assert.deepEqual(statuses(await spread(scale, 30, list)), { 200: 30 });
    await until("the use of all three is written", async () => {
      const { body } = await two.request(`/api/v1/api-keys/${id}/usage`, by);
      const sum = body.items.reduce(
        (sum: number, row: { requests: number }) => sum + row.requests,
        0,
      );
      assert(sum <= 30);
      return sum === 30;
    });
    assert.equal((await list(three)).status, 200);
    await three.stop();
    const [row] = await scale.db.owner`
      select sum(requests)::integer as n from api_key_usage where api_key_id = ${id}`;
    assert.equal(row?.n, 31, "a process that stops writes down what it has counted");
    await three.start();
    const gone = await three.request(`/api/v1/api-keys/${id}`, { ...by, method: "DELETE" });
    assert(gone.status < 300);
    assert.deepEqual(statuses(await spread(scale, 3, list)), { 401: 3 });
  });
});

async function entries({ db }: Scale, action: string): Promise<number> {
  const [row] = await db.owner`
    select count(*)::integer as n from audit_log where action = ${action}`;
  return row?.n;
}
