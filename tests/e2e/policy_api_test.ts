import assert from "node:assert/strict";
import { peerOn, stack, tenantOn } from "../support/stack.ts";
import { until } from "../support/until.ts";

Deno.test("T9: policy: the API says what the daemon did, and no more while it is away", async (t) => {
  await using made = await stack();
  const { daemon, net, operator } = made;
  await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
  await daemon.start();
  await made.startApi();
  const acme = await tenantOn(made, "acme");
  const { peer } = await peerOn(made, acme);
  const as = (path: string, call: { method?: string; json?: unknown } = {}) =>
    operator(`/wireguard/${path}`, { ...call, tenant: acme.id });
  const put = (json: unknown) => as("policy", { method: "PUT", json });
  const closed = { peer_to_peer: false, services: [], routes: [] };
  const rules = () => net.run("server", ["nft", "list", "ruleset"]);
  const grant = async (name: string) => {
    const json = { name, network: "198.51.100.0/24", protocol: "tcp", ports: "443" };
    const { status, body } = await as("grants", { json });
    assert.equal(status, 201, JSON.stringify(body));
    return body.id as string;
  };
  const check = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const [first, second] = [await grant("first"), await grant("second")];

  await check("applied, once the rules are in the kernel", async () => {
    const { body } = await put({
      peer_to_peer: true,
      services: [{ name: "web", peer_id: peer.id, protocol: "tcp", ports: "80-81" }],
      routes: [{ grant_id: first }],
    });
    assert.deepEqual([body.status, body.error], ["applied", null]);
    assert.match(await rules(), /198\.51\.100\.0\/24 .*443/);
    const explained = (await as(`peers/${peer.id}/explain`)).body;
    const accepted = explained.packets.filter(({ verdict }: { verdict: string }) =>
      verdict === "accept"
    );
    assert.equal(accepted.length, 5);
  });
  await check("a withdrawn grant is removed, once the rules are without it", async () => {
    const { status, body } = await as(`grants/${first}`, { method: "DELETE" });
    assert.deepEqual([status, body], [200, { removed: true }]);
    assert.doesNotMatch(await rules(), /198\.51\.100\.0/);
    const after = (await as("policy")).body;
    assert.deepEqual([after.status, after.routes], ["applied", []]);
  });
  await check("rejected, in plain words, where the host does not forward", async () => {
    await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=0"]);
    const { body } = await put({ ...closed, routes: [{ grant_id: second }] });
    assert.equal(body.status, "rejected");
    assert.match(body.error, /ip_forward=1/);
    await net.run("server", ["sysctl", "-qw", "net.ipv4.ip_forward=1"]);
    await until("it is put in force", async () => (await as("policy")).body.status === "applied");
  });
  await check(
    "pending while the daemon is away, and applied once it is back",
    async () => {
      await daemon.end("SIGKILL");
      assert.equal((await put(closed)).body.status, "pending");
      const { status, body } = await as(`grants/${second}`, { method: "DELETE" });
      assert.deepEqual([status, body], [202, { removed: false, status: "revoking" }]);
      await daemon.start();
      await until("it is applied", async () => (await as("policy")).body.status === "applied");
      assert.doesNotMatch(await rules(), /198\.51\.100\.0/);
    },
  );
});
