import assert from "node:assert/strict";
import {
  adminOn,
  logInOn,
  type Member,
  peerOn,
  type Scale,
  threeApis,
  userOn,
} from "../support/scale.ts";
import type { Reply } from "../support/api.ts";
import { startSmtp } from "../support/smtp.ts";
import { codeAt } from "../support/totp.ts";
import { until } from "../support/until.ts";

/** Three real API processes on one PostgreSQL and one Redis: what one of them does holds in the others at once. */

const statuses = (replies: readonly Reply[]) =>
  Object.fromEntries(
    [...Map.groupBy(replies, ({ status }) => status)].map((
      [status, same],
    ) => [status, same.length]),
  );

/** So many at once, each to the next process in turn. */
const spread = (
  scale: Scale,
  count: number,
  send: (api: Scale["apis"][number]) => Promise<Reply>,
) =>
  Promise.all(
    Array.from({ length: count }, (_, n) => send(scale.apis[n % 3] ?? scale.apis[0])),
  );

const meAt = async (api: Scale["apis"][number], { from, token }: Member) =>
  (await api.request("/api/v1/auth/me", { from, token })).status;

Deno.test("scale: A1, A2, A3, T10: identity is one over three processes", async (t) => {
  await using scale = await threeApis({ env: { LOGIN_FAILURE_FLOOR: "1s" } });
  const [one, two, three] = scale.apis;
  const acme = await adminOn(scale, "acme");
  const everywhere = (who: Member) => Promise.all(scale.apis.map((api) => meAt(api, who)));

  await t.step(
    "A1: what one process ends is over in the others with their next request",
    async () => {
      const ends: Record<string, (who: Member) => Promise<Reply>> = {
        "a log-out": ({ from, token }) =>
          one.request("/api/v1/auth/logout", { method: "POST", from, token }),
        "the end of all sessions": ({ from, token }) =>
          two.request("/api/v1/sessions", { method: "DELETE", from, token }),
        "a deactivation": ({ userId }) =>
          three.request(`/api/v1/users/${userId}/deactivate`, {
            ...{ method: "POST", from: acme.from, token: acme.token },
          }),
      };
      for (const [name, end] of Object.entries(ends)) {
        const who = await userOn(scale, acme);
        assert.deepEqual(await everywhere(who), [200, 200, 200], name);
        assert((await end(who)).status < 300, name);
        assert.deepEqual(await everywhere(who), [401, 401, 401], name);
        for (const api of scale.apis) {
          const body = { refresh_token: who.refreshToken };
          const refreshed = await api.request("/api/v1/auth/refresh", { from: who.from, body });
          assert.equal(refreshed.status, 401, name);
        }
      }
    },
  );

  await t.step(
    "A1: a list of sessions is the same everywhere, and one ended elsewhere is gone from it",
    async () => {
      const who = await userOn(scale, acme);
      const again = await logInOn({ request: two.request }, who);
      const list = async (api: Scale["apis"][number]) =>
        (await api.request("/api/v1/sessions", { from: who.from, token: who.token })).body.items;
      const [first, second] = [await list(one), await list(three)];
      assert.equal(first.length, 2);
      assert.deepEqual(
        first.map((s: { id: string }) => s.id),
        second.map((s: { id: string }) => s.id),
      );
      const other = first.find((s: { current: boolean }) => !s.current);
      const { status } = await three.request(`/api/v1/sessions/${other.id}`, {
        ...{ method: "DELETE", from: who.from, token: who.token },
      });
      assert(status < 300);
      assert.deepEqual([await meAt(two, again), (await list(two)).length], [401, 1]);
    },
  );

  await t.step(
    "A1: a peer that one process disables is no way into the others within a second",
    async () => {
      const from = await peerOn(scale, acme.tenantId);
      const through = (api: Scale["apis"][number]) => meAt(api, { ...acme, from });
      // Remembered by each of them from here on.
      for (const api of scale.apis) assert.equal(await through(api), 200);
      const [row] = await scale.db.owner`select id from wg_peers where address = ${from}::inet`;
      const before = performance.now();
      await one.request(`/api/v1/wireguard/peers/${row?.id}/disable`, {
        ...{ method: "POST", from: acme.from, token: acme.token },
      });
      for (const api of [two, three]) {
        await until("the others refuse it", async () => await through(api) === 403, { everyMs: 5 });
      }
      assert(performance.now() - before < 1_000, "within a second");
    },
  );

  await t.step(
    "A1: a permission that one process takes away is gone in the others with their next request",
    async () => {
      const who = await userOn(scale, acme, "manager");
      const by = { from: acme.from, token: acme.token };
      const asked = () =>
        Promise.all(
          scale.apis.map(async (api) =>
            (await api.request("/api/v1/users", { from: who.from, token: who.token })).status
          ),
        );
      const { body: { items } } = await one.request("/api/v1/roles", by);
      const roleOf = (name: string) => items.find((role: { name: string }) => role.name === name);
      const held = `/api/v1/users/${who.userId}/roles`;
      assert.deepEqual(await asked(), [200, 200, 200]);
      const taken = await one.request(`${held}/${roleOf("manager").id}`, {
        ...by,
        method: "DELETE",
      });
      assert.equal(taken.status, 200, taken.text);
      assert.deepEqual(await asked(), [403, 403, 403]);
      // And one that a role loses, for whoever holds it.
      const role = { name: "readers", permissions: ["users.read"] };
      const made = await two.request("/api/v1/roles", { ...by, body: role });
      assert.equal(
        (await three.request(held, { ...by, body: { role_id: made.body.id } })).status,
        201,
      );
      assert.deepEqual(await asked(), [200, 200, 200]);
      const changed = await two.request(`/api/v1/roles/${made.body.id}`, {
        ...{ ...by, method: "PUT", body: { ...role, permissions: [] } },
      });
      assert.equal(changed.status, 200, changed.text);
      assert.deepEqual(await asked(), [403, 403, 403]);
    },
  );

  await t.step(
    "A1: a tenant that is suspended through one process is let in by none of them",
    async () => {
      const paused = await adminOn(scale, "paused");
      const call = (name: string) =>
        scale.operator(`/tenants/${paused.tenantId}/${name}`, { method: "POST" });
      assert.deepEqual(await everywhere(paused), [200, 200, 200]);
      await call("suspend");
      assert((await everywhere(paused)).every((status) => status === 401 || status === 403));
      await call("resume");
      assert.deepEqual(await everywhere(paused), [200, 200, 200]);
    },
  );

  await t.step("A2: fifty refreshes with one token, over all three, make one child", async () => {
    const who = await userOn(scale, acme);
    const body = { refresh_token: who.refreshToken };
    const replies = await spread(
      scale,
      50,
      (api) => api.request("/api/v1/auth/refresh", { from: who.from, body }),
    );
    assert.deepEqual(statuses(replies), { 200: 50 });
    assert.equal(new Set(replies.map((reply) => reply.body.refresh_token)).size, 1);
    const [session] = await scale.db.owner`
      select refresh_counter as n, ended_at from sessions where user_id = ${who.userId}`;
    assert.deepEqual([Number(session?.n), session?.ended_at], [1, null]);
    const [child] = replies;
    const next = await two.request("/api/v1/auth/refresh", {
      from: who.from,
      body: { refresh_token: child?.body.refresh_token },
    });
    assert.equal(next.status, 200);
  });

  await t.step(
    "A5: failures of one pair count together, and lock it in every process",
    async () => {
      const who = await userOn(scale, acme);
      const attempt = (api: Scale["apis"][number], password: string) =>
        api.request("/api/v1/auth/login", {
          ...{ from: who.from, tenant: who.slug, body: { email: who.email, password } },
        });
      const wrong = await spread(scale, 10, (api) => attempt(api, "not the password"));
      assert.deepEqual(statuses(wrong), { 401: 10 });
      const right = await Promise.all(scale.apis.map((api) => attempt(api, who.password)));
      assert.deepEqual(statuses(right), { 401: 3 }, "four at most in any process, ten together");
      const elsewhere = await attempt(one, who.password);
      assert.equal(elsewhere.status, 401);
      const other = await peerOn(scale, who.tenantId);
      await logInOn(scale, { ...who, from: other });
    },
  );

  await t.step("A3: one code is good once, and wrong ones count together", async () => {
    const who = await userOn(scale, acme);
    const by = { from: who.from, token: who.token };
    const setup = await one.request("/api/v1/mfa/setup", { ...by, method: "POST" });
    const { secret } = setup.body;
    const replies = await spread(
      scale,
      50,
      (api) =>
        api.request("/api/v1/mfa/enable", { ...by, body: { code: codeAt(secret, Date.now()) } }),
    );
    assert.equal(replies.filter(({ status }) => status === 200).length, 1, "one of fifty");
    // What was tried just now counts, wherever: nobody gets a guess by asking another process.
    const guesses = await spread(
      scale,
      6,
      (api) => api.request("/api/v1/mfa/verify", { ...by, body: { code: "000000" } }),
    );
    assert(guesses.some(({ status }) => status === 429), JSON.stringify(statuses(guesses)));
    const after = await Promise.all(
      scale.apis.map((api) =>
        api.request("/api/v1/mfa/verify", { ...by, body: { code: codeAt(secret, Date.now()) } })
      ),
    );
    assert.deepEqual(statuses(after), { 429: 3 });
  });
});

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
    }, { timeoutMs: 20_000 });
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
    }, { timeoutMs: 15_000 });
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

Deno.test("scale: D4: a quota is one over three processes, and without Redis as well", async () => {
  await using scale = await threeApis({ env: { RATE_LIMIT_AUTHENTICATED: "30" } });
  const acme = await adminOn(scale, "acme");
  const ask = (count: number) =>
    spread(
      scale,
      count,
      (api) => api.request("/api/v1/auth/me", { from: acme.from, token: acme.token }),
    );
  const found = statuses(await ask(90));
  assert.deepEqual(found, { 200: 30, 429: 60 });
  const fresh = { ...await userOn(scale, acme), from: await peerOn(scale, acme.tenantId) };
  await scale.redis.stop();
  // Each process goes on where its own count stands, which is beyond its third already.
  assert.deepEqual(statuses(await ask(9)), { 429: 9 });
  const alone = await spread(
    scale,
    90,
    (api) => api.request("/api/v1/auth/me", { from: fresh.from, token: fresh.token }),
  );
  assert.deepEqual(statuses(alone), { 200: 30, 429: 60 }, "a third of the quota in each");
});
