import assert from "node:assert/strict";
import {
  adminOf,
  as,
  loopback,
  type RequestOptions,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { beginLogIn, equip, logInWithMfa, nextCode } from "../../../tests/support/totp.ts";

Deno.test("A1: of what a user began while he was deactivated, or his tenant suspended, nothing is good afterwards", async () => {
  await using api = await testApi();
  const ask = (path: string, options: RequestOptions) =>
    api.request(`/api/v1${path}`, { via: loopback, ...options });
  const ends = {
    deactivated: (user: number) => `/users/${user}/deactivate`,
    suspended: (_: number, tenant: number) => `/tenants/${tenant}/suspend`,
  };
  for (const [slug, end] of Object.entries(ends)) {
    const admin = await adminOf(api, slug);
    const plain = await userOf(api, admin, { email: `bob@${slug}.example`, role: "admin" });
    const bob = await logInWithMfa(api, await equip(api, plain), { body: { trust_device: true } });
    const mfa_session_token = await beginLogIn(api, bob);
    const code = nextCode(api, bob);
    const { email, password, trustedDevice: trusted_device } = bob;
    const uses = [
      () => ask("/auth/refresh", { body: { refresh_token: bob.refreshToken } }),
      () => ask("/auth/login/mfa", { tenant: slug, body: { mfa_session_token, code } }),
      () => ask("/auth/login", { tenant: slug, body: { email, password, trusted_device } }),
      () => ask("/api-keys", as(bob, { body: { name: "late", scopes: ["users.read"] } })),
    ];
    const wave = Array.from({ length: 5 }, () => uses.map((use) => use())).flat();
    // Where the machine is busy, the end would come before all of them.
    await Promise.any(wave.map(async (asked) => {
      const { body } = await asked;
      assert(body?.access_token || body?.key);
    }));
    const path = end(bob.userId, admin.tenantId);
    const ended = api.request(`/api/v1${path}`, { method: "POST", tenant: slug });
    const replies = await Promise.all(wave);
    assert((await ended).status < 300);
    let got = 0;
    for (const { body } of replies) {
      if (body?.access_token) {
        got++;
        assert.equal((await ask("/auth/me", { token: body.access_token })).status, 401);
        const again = await ask("/auth/refresh", { body: { refresh_token: body.refresh_token } });
        assert.equal(again.status, 401);
      } else if (body?.key) {
        got++;
        assert.equal((await ask("/users", { headers: { "x-api-key": body.key } })).status, 401);
      }
    }
    assert(got > 0, "something came before the end");
    for (const use of uses) assert.equal((await use()).status, 401, slug);
  }
});
