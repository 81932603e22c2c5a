import assert from "node:assert/strict";
import { complete, demand, login, type Via } from "../../../tests/support/mfa_calls.ts";
import {
  adminOf,
  loopback,
  peerOf,
  type Persona,
  testApi,
  userOf,
} from "../../../tests/support/api.ts";
import { makeKey } from "../../../tests/support/api_key_calls.ts";
import { codeAt } from "../../../tests/support/totp.ts";

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
  await t.step("a session that began before gets no further while it is demanded", async () => {
    const me = async () => {
      const { status, body } = await api.request("/api/v1/auth/me", {
        via: loopback,
        token: helper.token,
      });
      return body.code ?? status;
    };
    const required = (required: boolean) =>
      api.request(`/api/v1/users/${helper.userId}/mfa`, {
        method: "PUT",
        tenant: "acme",
        body: { required },
      });
    assert.equal(await me(), "invalid_token");
    assert.equal((await required(false)).status, 200);
    assert.equal(await me(), 200, "nothing has ended it yet");
    const { key } = await makeKey(api, acme, { scopes: ["users.read"] });
    assert.equal((await required(true)).status, 200);
    assert.equal(await me(), "invalid_token");
    // Machines have no second factor: a key goes on, whatever is demanded of who made it.
    await demand(api, acme, { mfa_required: "all" });
    const byKey = await api.request("/api/v1/users", {
      via: loopback,
      headers: { "X-API-Key": key },
    });
    assert.equal(byKey.status, 200, byKey.text);
    await demand(api, acme, { mfa_required: "off" });
  });
  await t.step("and ends with its next refresh", async () => {
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
    assert.equal(await also({ "X-Tenant-ID": "nobody" }), "wrong_tunnel");
    assert.equal(await also({ "X-Tenant-ID": "987654321" }), "wrong_tunnel");
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
