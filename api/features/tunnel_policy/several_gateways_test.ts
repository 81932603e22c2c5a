import assert from "node:assert/strict";
import { adminOf, testApi } from "../../../tests/support/api.ts";
import { livingGateway } from "../../../tests/support/gateways.ts";
import { until } from "../../../tests/support/until.ts";
import { type GatewayOutcome, overall, unreached } from "./outcome.ts";

Deno.test("overall: in force where each says so, rejected by the first that says so, pending otherwise", () => {
  const said = (gateway_id: number, status: GatewayOutcome["status"]): GatewayOutcome => {
    const error = status === "rejected" ? `no ${gateway_id}` : null;
    return { gateway_id, name: `wg${gateway_id}`, status, error };
  };
  const of = (...each: GatewayOutcome[]) => overall(each);
  assert.deepEqual(of(), { status: "pending", error: null });
  assert.deepEqual(of(said(1, "applied")), { status: "applied", error: null });
  assert.deepEqual(of(said(1, "rejected")), { status: "rejected", error: "no 1" });
  assert.deepEqual(of(said(1, "applied"), said(2, "pending")), { status: "pending", error: null });
  assert.deepEqual(of(said(1, "applied"), said(2, "rejected"), said(3, "pending")), {
    status: "rejected",
    error: "gateway 2 (wg2): no 2",
  });
  assert.equal(
    of(said(1, "rejected"), said(2, "rejected")).error,
    "gateway 1 (wg1): no 1; gateway 2 (wg2): no 2",
  );
});

Deno.test("unreached: what one gateway opens for peers of another is said, and nothing where there is one", () => {
  const policy = { peerToPeer: true, services: [1, 2] };
  assert.deepEqual(unreached(policy, []).map(({ path }) => path), []);
  assert.deepEqual(unreached({ ...policy, services: [1] }, [1]), []);
  assert.deepEqual(unreached(policy, [1]).map(({ path }) => path), ["services.1"]);
  assert.deepEqual(unreached(policy, [1, 2]).map(({ path, message }) => [path, message]), [
    ["peer_to_peer", "peers reach those of their own gateway alone; there are some on 1, 2"],
    ["services.0", "it is on gateway 1: peers on 2 do not reach it"],
    ["services.1", "it is on gateway 2: peers on 1 do not reach it"],
  ]);
});

Deno.test("T9: policy: in force only where every gateway of the tenant's peers says so of this version, and it says by which not", async (t) => {
  await using api = await testApi({ env: { WG_APPLY_TIMEOUT: "10" } });
  const acme = await adminOf(api, "acme");
  const beta = await adminOf(api, "beta");
  const { token } = acme;
  await using _one = await livingGateway(api.db, { id: 1 });
  await using two = await livingGateway(api.db, { id: 2 });
  await using _three = await livingGateway(api.db, { id: 3 });
  const path = "/api/v1/wireguard/peers";
  const make = async (gateway_id: number) =>
    (await api.request(path, { token, body: { name: `on-${gateway_id}`, gateway_id } })).body.peer
      .id;
  const put = (body: object) =>
    api.request("/api/v1/wireguard/policy", {
      method: "PUT",
      token,
      body: { peer_to_peer: false, services: [], routes: [], ...body },
    });
  const read = async (who = token) =>
    (await api.request("/api/v1/wireguard/policy", { token: who })).body;
  /** As the daemon of that gateway writes it. */
  const say = (gateway: number, error: string | null = null) =>
    api.db.owner`
      insert into wg_policy_outcomes as o (tenant_id, interface_id, version, state, error)
        select tenant_id, ${gateway}, version, ${error === null ? "applied" : "rejected"}, ${error}
        from wg_policies where tenant_id = ${acme.tenantId}
      on conflict (tenant_id, interface_id) do update
        set version = excluded.version, state = excluded.state, error = excluded.error`;
  const states = async () => {
    const { status, error, gateways } = await read();
    const each = gateways.map((one: GatewayOutcome) => `${one.gateway_id} ${one.status}`);
    return [status, error, each.join()];
  };

  await t.step("without a peer, what any gateway says", async () => {
    const { body } = await put({ peer_to_peer: true });
    assert.deepEqual([body.status, body.gateways, body.warnings], ["pending", [], []]);
    await say(2);
    assert.deepEqual(await states(), ["applied", null, "2 applied"]);
  });
  const near = await make(1);
  await t.step("with one on another gateway, that one decides", async () => {
    assert.deepEqual(await states(), ["pending", null, "1 pending"]);
    await say(1);
    assert.deepEqual(await states(), ["applied", null, "1 applied"]);
  });
  const far = await make(2);
  await t.step(
    "the answer waits for the other gateway that lives, and for this very version",
    async () => {
      await say(2);
      assert.deepEqual(await states(), ["applied", null, "1 applied,2 applied"]);
      const [before] = await api.db.owner`select version from wg_policies`;
      const answer = put({
        peer_to_peer: true,
        services: [{ name: "web", peer_id: far, protocol: "tcp", ports: "443" }],
      });
      let isDone = false;
      void answer.then(() => isDone = true);
      await until("it is committed", async () => {
        const [now] = await api.db.owner`select version from wg_policies`;
        return now?.version !== before?.version;
      });
      assert.deepEqual(await states(), ["pending", null, "1 pending,2 pending"]);
      await say(1);
      assert.deepEqual(await states(), ["pending", null, "1 applied,2 pending"]);
      assert.equal(isDone, false);
      await say(2);
      assert.equal((await answer).body.status, "applied");
    },
  );
  await t.step("what peers of two gateways cannot have of one another is said", async () => {
    const { warnings } = await read();
    assert.deepEqual(warnings.map(({ path }: { path: string }) => path), [
      "peer_to_peer",
      "services.0",
    ]);
    const explained = await api.request(`${path}/${near}/explain`, { token });
    assert.equal(explained.status, 200, explained.text);
    const elsewhere = await api.request(`${path}/${far}/explain`, { token });
    assert.equal(elsewhere.body.on_interface, null, "it is not for this process' daemon to say");
    const codes = elsewhere.body.reasons.map(({ code }: { code: string }) => code);
    assert.deepEqual(codes, ["pending", "daemon_elsewhere"]);
  });
  await t.step("one that rejects is named, whatever the other says", async () => {
    await say(2, "it does not forward");
    await say(3, "not concerned");
    assert.deepEqual(await states(), [
      "rejected",
      "gateway 2 (wg1): it does not forward",
      "1 applied,2 rejected",
    ]);
    await say(2);
    assert.deepEqual(await states(), ["applied", null, "1 applied,2 applied"]);
  });
  await t.step("nobody waits for a dead one, and nothing is in force there", async () => {
    await two.die();
    const begun = performance.now();
    assert.equal((await put({ peer_to_peer: false })).body.status, "pending");
    assert.ok(performance.now() - begun < 9_000);
    await say(1);
    assert.deepEqual(await states(), ["pending", null, "1 applied,2 pending"]);
  });
  await t.step(
    "a grant is withdrawn where each has closed it, and not where one rejects and one is silent",
    async () => {
      const withdraw = async () => {
        const made = await api.request("/api/v1/wireguard/grants", {
          tenant: acme.slug,
          body: { name: "office", network: "198.51.100.0/24", protocol: "tcp" },
        });
        const reply = await api.request(`/api/v1/wireguard/grants/${made.body.id}`, {
          tenant: acme.slug,
          method: "DELETE",
        });
        return reply.status;
      };
      await say(1, "it does not forward");
      assert.equal((await read()).status, "rejected");
      assert.equal(await withdraw(), 202);
      await say(2);
      assert.equal(await withdraw(), 200);
      await put({ peer_to_peer: false });
      await say(1);
    },
  );
  await t.step("one that a peer left counts until it was read back without it", async () => {
    assert.equal(
      (await api.request(`${path}/${far}/move`, { token, body: { gateway_id: 1 } })).status,
      200,
    );
    assert.deepEqual(await states(), ["pending", null, "1 applied,2 pending"]);
    await api.db.owner`delete from wg_retired_keys where interface_id = 2`;
    assert.deepEqual(await states(), ["applied", null, "1 applied"]);
  });
  await t.step("N2: another tenant sees nothing of it", async () => {
    const { version, status, gateways } = await read(beta.token);
    assert.deepEqual([version, status, gateways], [0, "applied", []]);
  });
});
