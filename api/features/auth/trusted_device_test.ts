import assert from "node:assert/strict";
import { complete, demand, login, type Via } from "../../../tests/support/mfa_calls.ts";
import {
  adminOf,
  loopback,
  peerOf,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { tokenIn, waitingMails } from "../../../tests/support/mails.ts";
import { beginLogIn, equip, logInWithMfa, nextCode } from "../../../tests/support/totp.ts";

const me = (api: TestApi, token: string) => api.request("/api/v1/auth/me", { token });

Deno.test("trusted device: stands for the code at log-in, through its peer, for 30 days, and for no step-up", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const own = (await peerOf(api, acme, { user_id: acme.userId })).via;
  const machine = (await peerOf(api, acme)).via;
  const ada = await equip(api, acme, { via: own });
  const first = await logInWithMfa(api, ada, { via: own, body: { trust_device: true } });
  const trusted_device = first.trustedDevice;
  assert.ok(trusted_device);
  const state = async (via: Via = own, token = trusted_device) =>
    Object.keys((await login(api, ada, { trusted_device: token }, via)).body).includes(
      "access_token",
    );
  assert.equal(await state(), true);
  await t.step("nothing but this token, and through no other way", async () => {
    assert.equal(await state(machine), false);
    assert.equal(await state(loopback), false);
    assert.equal(await state(own, "x".repeat(43)), false);
    const bob = await equip(api, await userOf(api, acme, { email: "bob@acme.example" }));
    const shared = await logInWithMfa(api, ada, { via: machine, body: { trust_device: true } });
    assert.equal(await state(machine, shared.trustedDevice ?? ""), true);
    const theirs = await login(api, bob, { trusted_device: shared.trustedDevice }, machine);
    assert.equal(theirs.body.mfa_required, true, "another user, on the same peer");
  });
  await t.step("what asks for a fresh factor asks for it", async () => {
    const { body } = await login(api, ada, { trusted_device }, own);
    const reply = await api.request("/api/v1/api-keys", {
      via: own,
      token: body.access_token,
      body: { name: "key", scopes: ["wireguard.read"] },
    });
    assert.equal(reply.body.code, "step_up_required", reply.text);
  });
  await t.step("it is listed, and can be taken back by its user alone", async () => {
    const mine = await logInWithMfa(api, ada, { via: own });
    const list = () => api.request("/api/v1/mfa/trusted-devices", { via: own, token: mine.token });
    const { items } = (await list()).body;
    assert.equal(items.length, 2);
    assert.ok(!JSON.stringify(items).includes(trusted_device));
    const path = `/api/v1/mfa/trusted-devices/${items[1].id}`;
    const bob = await equip(api, await userOf(api, acme, { email: "carl@acme.example" }));
    const theirs = await api.request(path, { method: "DELETE", via: loopback, token: bob.token });
    assert.equal(theirs.body.code, "not_found");
    const bobs = await api.request("/api/v1/mfa/trusted-devices", {
      via: loopback,
      token: bob.token,
    });
    assert.deepEqual(bobs.body.items, []);
    assert.equal(await state(), true);
    const removed = await api.request(path, { method: "DELETE", via: own, token: mine.token });
    assert.deepEqual(removed.body, { removed: true });
    assert.equal(await state(), false);
  });
  await t.step(
    "the tenant can forbid it, and what was trusted before stays so no more",
    async () => {
      const mine = await logInWithMfa(api, ada, { via: own, body: { trust_device: true } });
      const trusted = () => state(own, mine.trustedDevice ?? "");
      assert.equal(await trusted(), true);
      await demand(api, acme, { mfa_trusted_devices: false });
      assert.equal(await trusted(), false);
      const asked = await logInWithMfa(api, ada, { via: own, body: { trust_device: true } });
      assert.equal(asked.trustedDevice, undefined);
      await demand(api, acme, { mfa_trusted_devices: true });
      assert.equal(await trusted(), false);
    },
  );
  await t.step("it ends after 30 days, and with another password", async () => {
    const one = await logInWithMfa(api, ada, { via: own, body: { trust_device: true } });
    assert.equal(await state(own, one.trustedDevice ?? ""), true);
    api.clock.advance(30 * 86_400_000);
    assert.equal(await state(own, one.trustedDevice ?? ""), false);
    const two = await logInWithMfa(api, ada, { via: own, body: { trust_device: true } });
    const new_password = "Kx9!vLq2#tRw-Zm7";
    const changed = await api.request("/api/v1/auth/change-password", {
      via: own,
      token: two.token,
      body: { current_password: ada.password, new_password },
    });
    assert.equal(changed.status, 200, changed.text);
    const reply = await login(api, { ...ada, password: new_password }, {
      trusted_device: two.trustedDevice,
    }, own);
    assert.equal(reply.body.mfa_required, true);
  });
});

Deno.test("login/mfa: A3: a password reset does not bypass the second factor, nor any device that was trusted", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  const { trustedDevice } = await logInWithMfa(api, ada, { body: { trust_device: true } });
  assert.ok(trustedDevice);
  const begun = await beginLogIn(api, ada);
  const post = (path: string, body: unknown) =>
    api.request(`/api/v1/password-reset/${path}`, { via: loopback, tenant: "acme", body });
  assert.equal((await post("request", { email: ada.email })).status, 202);
  const mails = await waitingMails(api);
  const token = tokenIn(mails.findLast((mail) => mail.template === "password_reset"));
  const password = "Quince-marmalade 41 lanterns!";
  const done = await post("confirm", { token, new_password: password });
  assert.equal(done.status, 200, done.text);
  assert.deepEqual(Object.keys(done.body), ["sessions_ended"], "it logs nobody in");
  const after = { ...ada, password };
  for (const body of [{}, { trusted_device: trustedDevice }]) {
    const reply = await login(api, after, body);
    assert.deepEqual(Object.keys(reply.body).sort(), ["mfa_required", "mfa_session_token"]);
  }
  assert.equal((await complete(api, begun, nextCode(api, ada))).body.code, "invalid_token");
  assert.equal((await me(api, (await logInWithMfa(api, after)).token)).status, 200);
});
