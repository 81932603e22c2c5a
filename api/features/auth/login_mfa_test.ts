import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  peerOf,
  type Persona,
  type RequestOptions,
  type TestApi,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { databaseDigest } from "../../../tests/support/snapshot.ts";
import { tokenIn, waitingMails } from "../../../tests/support/mails.ts";
import {
  beginLogIn,
  codeAt,
  equip,
  type Equipped,
  logInWithMfa,
  nextCode,
} from "../../../tests/support/totp.ts";

type Via = NonNullable<RequestOptions["via"]>;

const complete = (
  api: TestApi,
  mfa_session_token: string,
  code: string,
  { via = loopback, tenant = "acme", ...body }:
    & { via?: Via; tenant?: string | number }
    & Record<
      string,
      unknown
    > = {},
) =>
  api.request("/api/v1/auth/login/mfa", {
    via,
    tenant,
    body: { mfa_session_token, code, ...body },
  });

const login = (
  api: TestApi,
  who: Persona,
  body: Record<string, unknown> = {},
  via: Via = loopback,
) =>
  api.request("/api/v1/auth/login", {
    via,
    tenant: who.slug,
    body: { email: who.email, password: who.password, ...body },
  });

const me = (api: TestApi, token: string) => api.request("/api/v1/auth/me", { token });

const demand = (api: TestApi, who: Persona, settings: Record<string, unknown>) =>
  api.request("/api/v1/tenants/current", { method: "PATCH", tenant: who.slug, body: settings });

Deno.test("login/mfa: a code completes the log-in once, and its token is good for that alone", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  const token = await beginLogIn(api, ada);
  // The token opens nothing else, and nothing else opens this.
  for (const path of ["/auth/me", "/mfa/status", "/sessions"]) {
    const reply = await api.request(`/api/v1${path}`, { via: loopback, token });
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], path);
  }
  const setup = await api.request("/api/v1/mfa/setup", { method: "POST", via: loopback, token });
  assert.equal(setup.status, 401);
  for (const other of [ada.token, ada.refreshToken, `${token.slice(0, -2)}AA`, "x"]) {
    const reply = await complete(api, other, "123456");
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"]);
  }
  assert.equal((await complete(api, token, nextCode(api, ada))).status, 200);
  const again = await complete(api, token, nextCode(api, ada));
  assert.deepEqual([again.status, again.body.code], [401, "invalid_token"]);
  // A recovery code does the same, once.
  const [recovery = ""] = ada.recoveryCodes;
  const second = await beginLogIn(api, ada);
  const done = await complete(api, second, recovery.toLowerCase());
  assert.equal(done.status, 200, done.text);
  assert.equal((await me(api, done.body.access_token)).body.mfa_enabled, true);
  assert.equal((await complete(api, await beginLogIn(api, ada), recovery)).status, 401);
  const mails = await api.db.owner`select template from mails order by created_at, id`;
  assert.deepEqual(mails.map(({ template }) => template), [
    "alert_mfa_enabled",
    "alert_recovery_code_used",
  ]);
});

Deno.test("login/mfa: A3: of fifty at once with one token and code, one opens a session", async () => {
  await using api = await testApi();
  const ada = await equip(api, await adminOf(api, "acme"));
  const code = nextCode(api, ada);
  const token = await beginLogIn(api, ada);
  const [before] = await api.db.owner`select count(*)::integer as n from sessions`;
  const replies = await Promise.all(Array.from({ length: 50 }, () => complete(api, token, code)));
  assert.equal(replies.filter(({ status }) => status === 200).length, 1);
  const [after] = await api.db.owner`select count(*)::integer as n from sessions`;
  assert.equal(after?.n, before?.n + 1);
});

Deno.test("login/mfa: ends after five minutes, with the password, and with the user", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ends: Record<string, (who: Equipped) => Promise<unknown>> = {
    "five minutes": () => Promise.resolve(api.clock.advance(5 * 60_000 + 1000)),
    "another password": (who) =>
      api.request("/api/v1/auth/change-password", {
        via: loopback,
        token: who.token,
        body: { current_password: who.password, new_password: "Kx9!vLq2#tRw-Zm7" },
      }),
    "deactivation": (who) =>
      api.db.owner`update users set status = 'inactive' where id = ${who.userId}`,
    "suspension": () => api.db.owner`update tenants set status = 'suspended'`,
  };
  for (const [name, end] of Object.entries(ends)) {
    await t.step(name, async () => {
      const email = `${name.replaceAll(" ", "-")}@acme.example`;
      const bob = await equip(api, await userOf(api, acme, { email }));
      const fresh = await logInWithMfa(api, bob);
      const token = await beginLogIn(api, bob);
      await end(fresh);
      const before = await databaseDigest(api.db);
      const reply = await complete(api, token, nextCode(api, bob));
      assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], reply.text);
      assert.deepEqual(await databaseDigest(api.db), before);
    });
  }
});

Deno.test("login/mfa: T10: goes on through the peer that it began on, in its tenant, and nowhere else", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const ada = await equip(api, acme);
  const [own, second, machine, foreign] = [
    (await peerOf(api, acme, { user_id: acme.userId })).via,
    (await peerOf(api, acme, { user_id: acme.userId })).via,
    (await peerOf(api, acme)).via,
    (await peerOf(api, other)).via,
  ];
  const token = await beginLogIn(api, ada, { via: own });
  for (const via of [second, machine, foreign, loopback]) {
    const reply = await complete(api, token, nextCode(api, ada), { via });
    assert.deepEqual([reply.status, reply.body.code], [403, "wrong_tunnel"], JSON.stringify(via));
  }
  const entries = await api.db.owner`
    select tenant_id from audit_log where action = 'tunnel.refuse' order by id`;
  assert.deepEqual(entries.map((entry) => entry.tenant_id), [
    acme.tenantId,
    acme.tenantId,
    other.tenantId,
    acme.tenantId,
  ]);
  // N3: another tenant's name and an unknown one are the same; none at all is another matter.
  const off = await beginLogIn(api, ada);
  for (const tenant of ["other", other.tenantId, "nowhere", 4711]) {
    const reply = await complete(api, off, nextCode(api, ada), { tenant });
    assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], String(tenant));
  }
  const missing = await api.request("/api/v1/auth/login/mfa", {
    via: loopback,
    body: { mfa_session_token: off, code: "123456" },
  });
  assert.equal(missing.body.code, "tenant_required");
});

Deno.test("login: A4: a wrong password of a user with a second factor looks like any other", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const ada = await equip(api, acme);
  const wrong = await login(api, { ...ada, password: "wrong" });
  const unknown = await login(api, { ...ada, email: "nobody@acme.example" });
  assert.equal(wrong.status, 401);
  assert.deepEqual({ ...wrong.body, request_id: "" }, { ...unknown.body, request_id: "" });
  assert.deepEqual([...wrong.headers.keys()], [...unknown.headers.keys()]);
  const trusted = await login(api, { ...ada, password: "wrong" }, {
    trusted_device: "x".repeat(43),
  });
  assert.deepEqual({ ...trusted.body, request_id: "" }, { ...unknown.body, request_id: "" });
});

Deno.test("login: who must have a second factor and has none gets the set-up token, and that sets one up and nothing else", async (t) => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const helper = await userOf(api, acme, { email: "h@acme.example" });
  const required = async (who: Persona) => {
    const { body } = await login(api, who);
    return "mfa_setup_token" in body ? "demanded" : "mfa_session_token" in body ? "asked" : "in";
  };
  await t.step(
    "of the tenant's admins, of all, of a role, of a user, and of a role that ended",
    async () => {
      assert.deepEqual([await required(acme), await required(helper)], ["in", "in"]);
      assert.equal(
        (await demand(api, acme, { mfa_required: "admins" })).body.mfa_required,
        "admins",
      );
      assert.deepEqual([await required(acme), await required(helper)], ["demanded", "in"]);
      await demand(api, acme, { mfa_required: "all" });
      assert.deepEqual([await required(acme), await required(helper)], ["demanded", "demanded"]);
      await demand(api, acme, { mfa_required: "off" });
      const until = new Date(api.clock.now() + 60_000);
      await api.db.owner`
      with made as (
        insert into roles (tenant_id, name, mfa_required) values (${acme.tenantId}, 'helpdesk', true) returning id
      )
      insert into user_roles (tenant_id, user_id, role_id, granted_at, expires_at)
        select ${acme.tenantId}, ${helper.userId}, id, ${new Date(0)}, ${until} from made`;
      assert.deepEqual([await required(acme), await required(helper)], ["in", "demanded"]);
      api.clock.advance(60_000);
      assert.equal(await required(helper), "in");
      const put = await api.request(`/api/v1/users/${helper.userId}/mfa`, {
        method: "PUT",
        tenant: "acme",
        body: { required: true },
      });
      assert.deepEqual(put.body, { required: true });
      assert.equal(await required(helper), "demanded");
    },
  );
  await t.step("a session that began before ends with its next refresh", async () => {
    const reply = await api.request("/api/v1/auth/refresh", {
      via: loopback,
      body: { refresh_token: helper.refreshToken },
    });
    assert.equal(reply.status, 401);
    const ended = await api.db.owner`
      select id from sessions where user_id = ${helper.userId} and ended_reason = 'mfa_missing'`;
    assert.equal(ended.length, 1);
  });
  await t.step("the token sets up, through its peer, and completes the log-in, once", async () => {
    const machine = (await peerOf(api, acme)).via;
    const { body } = await login(api, helper, { device_name: "phone" }, machine);
    const token = body.mfa_setup_token;
    assert.deepEqual(Object.keys(body).sort(), ["mfa_setup_required", "mfa_setup_token"]);
    for (const path of ["/auth/me", "/mfa/status", "/sessions", "/users/me"]) {
      const reply = await api.request(`/api/v1${path}`, { via: machine, token });
      assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], path);
    }
    assert.equal((await complete(api, token, "123456", { via: machine })).status, 401);
    const post = (path: string, via: Via, body?: unknown) =>
      api.request(`/api/v1/mfa/${path}`, { method: "POST", via, token, body });
    assert.equal((await post("setup", loopback)).body.code, "wrong_tunnel");
    assert.equal((await post("enable", machine, { code: "123456" })).body.code, "mfa_not_set_up");
    // Held to the header, and to be the one proof, like any other token.
    const also = async (headers: Record<string, string>) =>
      (await api.request("/api/v1/mfa/setup", { method: "POST", via: machine, token, headers }))
        .body.code;
    assert.equal(await also({ "X-Tenant-ID": "nobody" }), "tenant_mismatch");
    assert.equal(await also({ "X-Tenant-ID": "987654321" }), "tenant_mismatch");
    assert.equal(await also({ "X-API-Key": "mc_x" }), "invalid_token");
    const setup = await post("setup", machine);
    assert.equal(setup.status, 200, setup.text);
    assert.match(setup.headers.get("RateLimit-Policy") ?? "", /^"authenticated"/, "it is counted");
    const code = codeAt(setup.body.secret, api.clock.now());
    assert.equal((await post("enable", loopback, { code })).body.code, "wrong_tunnel");
    const enabled = await post("enable", machine, { code });
    assert.equal(enabled.status, 200, enabled.text);
    assert.equal(enabled.body.recovery_codes.length, 10);
    const session = await api.request("/api/v1/sessions", {
      via: machine,
      token: enabled.body.access_token,
    });
    assert.equal(session.body.items[0].device_name, "phone");
    for (const path of ["setup", "enable"]) {
      const reply = await post(path, machine, path === "enable" ? { code } : undefined);
      assert.deepEqual([reply.status, reply.body.code], [401, "invalid_token"], path);
    }
    assert.equal(await required(helper), "asked");
    const disable = await api.request("/api/v1/mfa/disable", {
      via: machine,
      token: enabled.body.access_token,
      body: { password: helper.password, code: enabled.body.recovery_codes[0] },
    });
    assert.deepEqual([disable.status, disable.body.code], [409, "mfa_demanded"]);
  });
});

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
  await t.step("the tenant can forbid it, at any time", async () => {
    await demand(api, acme, { mfa_trusted_devices: false });
    assert.equal(await state(), false);
    const asked = await logInWithMfa(api, ada, { via: own, body: { trust_device: true } });
    assert.equal(asked.trustedDevice, undefined);
    await demand(api, acme, { mfa_trusted_devices: true });
    assert.equal(await state(), true);
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
