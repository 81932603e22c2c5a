import assert from "node:assert/strict";
import {
  adminOn,
  logInOn,
  type Member,
  peerOn,
  type Scale,
  spread,
  statuses,
  threeApis,
  userOn,
} from "../support/scale.ts";
import type { Reply } from "../support/api.ts";
import { codeAt, wrongCodeAt } from "../support/totp.ts";
import { until } from "../support/until.ts";

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
      await one.request(`/api/v1/wireguard/peers/${row?.id}/disable`, {
        ...{ method: "POST", from: acme.from, token: acme.token },
      });
      const disabled = performance.now();
      for (const api of [two, three]) {
        let lastLetIn = disabled;
        await until("the others refuse it", async () => {
          const asked = performance.now();
          const status = await through(api);
          if (status === 200) lastLetIn = asked;
          return status === 403;
        }, { everyMs: 5 });
        assert(lastLetIn - disabled < 1_000, "who asks a second later is refused");
      }
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
      // They have remembered for a second, or until they are notified, that it has no peer.
      await until("all let it in again", async () => {
        return (await everywhere(paused)).every((status) => status === 200);
      });
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
    const code = wrongCodeAt(secret, Date.now());
    const guesses = await spread(
      scale,
      6,
      (api) => api.request("/api/v1/mfa/verify", { ...by, body: { code } }),
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
