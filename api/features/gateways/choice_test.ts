import assert from "node:assert/strict";
import { adminOf, testApi, userOf } from "../../../tests/support/api.ts";
import { clientOf } from "../../../tests/support/client.ts";
import { livingGateway } from "../../../tests/support/gateways.ts";
import { generateKeyPair } from "../../../lib/wireguard_key.ts";
import type { Command } from "../../cli/command.ts";
import { CliError } from "../../cli/error.ts";
import { gatewayList } from "../../cli/gateway.ts";
import { peerAdd, peerList } from "../../cli/peer.ts";
import { wgExport } from "../../cli/wg_export.ts";
import { wgMove } from "../../cli/wg_move.ts";
import { wgStatus } from "../../cli/wg_status.ts";

const path = "/api/v1/wireguard";

Deno.test("gateway_id: many at once, one's own, status, pool, import, export and held keys take one, or say whose they are", async (t) => {
  await using api = await testApi({ env: { WG_APPLY_TIMEOUT: "1" } });
  const acme = await adminOf(api, "acme");
  const bob = await userOf(api, acme, { email: "bob@acme.example" });
  const { token } = acme;
  await using _one = await livingGateway(api.db, { id: 1 });
  await using two = await livingGateway(api.db, { id: 2 });
  const ask = async (at: string, body?: object, who: string | null = token) => {
    const { body: answer, status } = await api.request(`${path}${at}`, {
      ...(who === null ? { tenant: "acme" } : { token: who }),
      ...(body === undefined ? {} : { body }),
    });
    return { ...answer, status_code: status };
  };
  const close = (accepts: boolean) =>
    api.db.owner`update wg_interfaces set accepts_peers = ${accepts} where id = 2`;
  const unknown = [{ path: "gateway_id", code: "unknown" }];
  const fields = (answer: { errors?: { path: string; code: string }[] }) =>
    answer.errors?.map(({ path, code }) => ({ path, code }));
  const makers: Record<string, (gateway_id: unknown) => ReturnType<typeof ask>> = {
    one: (gateway_id) => ask("/peers", { name: "a", gateway_id }),
    many: (gateway_id) => ask("/peers/bulk", { peers: [{ name: "a" }, { name: "b" }], gateway_id }),
    own: (gateway_id) => ask("/me/peers", { name: "a", gateway_id }, bob.token),
  };

  for (const [name, make] of Object.entries(makers)) {
    await t.step(`${name}: placed as asked, and refused with the same codes`, async () => {
      const placed = await make(2);
      assert.equal(placed.status_code, 201, JSON.stringify(placed));
      const peers = name === "many"
        ? placed.items.map(({ peer }: { peer: object }) => peer)
        : [placed.peer];
      for (const peer of peers) {
        assert.equal(peer.gateway_id, 2);
        assert.match(peer.address, /^10\.11\.0\./);
      }
      assert.deepEqual(fields(await make(9)), unknown);
      for (const wrong of [0, -1, 40_000, "2", null, 1.5]) {
        const refused = await make(wrong);
        assert.equal(refused.code, "invalid_input", `${wrong}`);
        assert.equal(refused.errors[0].path, "gateway_id");
      }
      await close(false);
      assert.equal((await make(2)).code, "gateway_closed");
      await close(true);
    });
  }
  await t.step("status and pool are of the one asked for", async () => {
    const own = await ask("/status");
    assert.deepEqual([own.gateway_id, own.interface.network], [1, "10.10.0.0/24"]);
    assert.equal(own.peers.total, 4, "the tenant's on all");
    const there = await ask("/status?gateway_id=2");
    assert.deepEqual(
      [there.gateway_id, there.interface.network, there.interface.public_key, there.interface.up],
      [2, "10.11.0.0/24", two.publicKey, null],
    );
    assert.deepEqual([there.daemon, there.peers.total], ["ok", 4]);
    assert.ok(there.last_read_back_at);
    assert.equal((await ask("/status?gateway_id=1")).peers.total, 0);
    const pools = [await ask("/pool"), await ask("/pool?gateway_id=2")];
    assert.deepEqual(pools.map(({ gateway_id, network, used }) => [gateway_id, network, used]), [
      [1, "10.10.0.0/24", 4],
      [2, "10.11.0.0/24", 4],
    ]);
    for (const at of ["/status", "/pool"]) {
      assert.deepEqual(fields(await ask(`${at}?gateway_id=9`)), unknown);
      assert.equal((await ask(`${at}?gateway_id=x`)).code, "invalid_input");
    }
    const operators = await api.request(`${path}/pool?gateway_id=2`);
    assert.deepEqual([operators.body.gateway_id, operators.body.used], [2, 4]);
  });
  await t.step("import and export are of the one asked for", async () => {
    const { publicKey } = await generateKeyPair();
    const peers = [{ name: "moved in", public_key: publicKey, allowed_ips: ["10.11.0.77/32"] }];
    const taken = await ask("/import?gateway_id=2", { peers, apply: true }, null);
    assert.equal(taken.items?.[0].verdict, "taken", JSON.stringify(taken));
    const elsewhere = await ask("/import", { peers }, null);
    assert.equal(elsewhere.items[0].reason, "outside_network");
    await close(false);
    const other = (await generateKeyPair()).publicKey;
    const more = [{ name: "late", public_key: other, allowed_ips: ["10.11.0.78/32"] }];
    assert.equal(
      (await ask("/import?gateway_id=2", { peers: more }, null)).code,
      "gateway_closed",
    );
    await close(true);
    const counts = async (query: string) => (await ask(`/export${query}`, {}, null)).peers.length;
    assert.deepEqual([await counts(""), await counts("?gateway_id=2")], [0, 5]);
    assert.deepEqual(fields(await ask("/export?gateway_id=9", {}, null)), unknown);
    assert.equal((await ask("/export?gateway_id=2", {})).code, "forbidden", "a tenant's admin");
  });
  await t.step("held keys of another gateway nobody here knows", async () => {
    for (
      const [at, body] of [["", undefined], ["/release", { public_keys: [two.publicKey] }]] as const
    ) {
      assert.equal((await ask(`/held-keys${at}?gateway_id=2`, body, null)).code, "other_gateway");
      assert.equal(
        (await ask(`/held-keys${at}?gateway_id=1`, body, null)).code,
        "daemon_unavailable",
      );
    }
    const entries = await api.db
      .owner`select from audit_log where action = 'wireguard.keys_released'`;
    assert.equal(entries.length, 0);
  });
  await t.step(
    "commands: listed with what lives, placed, moved with a new file, exported",
    async () => {
      const operator = clientOf(api);
      const run = (command: Command, values: Record<string, string>, ...positionals: string[]) =>
        command.run({ api: operator, values, positionals });
      const listed = await run(gatewayList, {});
      assert.match(listed.text, /^1 +wg0 +up .*\n2 +wg1 +up /m);
      const added = await run(peerAdd, { tenant: "acme", name: "tool", gateway: "2" });
      const id = /^peer (\S+) at 10\.11\.0\./.exec(added.text)?.[1] ?? "";
      const folder = await Deno.makeTempDir();
      try {
        const out = `${folder}/tool.conf`;
        const moved = await run(wgMove, { tenant: "acme", out }, id, "1");
        assert.match(
          moved.text,
          /^peer \S+ is on gateway 1 at 10\.10\.0\.\d+: pending\ngateway 2 was not read back .*\nits file: /,
        );
        assert.match(await Deno.readTextFile(out), /^Address = 10\.10\.0\./m);
        assert.equal(((await Deno.stat(out)).mode ?? 0) & 0o777, 0o600);
        const kept = `${folder}/refused.conf`;
        for (
          const [values, ...words] of [
            [{ tenant: "acme" }, id],
            [{ tenant: "acme" }, id, "wg1"],
            [{ tenant: "acme", out: kept }, id, "1"],
            [{ tenant: "acme", out: kept }, crypto.randomUUID(), "2"],
            [{}, id, "2"],
          ] as [Record<string, string>, ...string[]][]
        ) {
          await assert.rejects(run(wgMove, values, ...words), CliError);
        }
        await assert.rejects(Deno.stat(kept), Deno.errors.NotFound);
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
      assert.match((await run(peerList, { tenant: "acme" })).text, /tool +- +1 +10\.10\.0\./);
      assert.match(
        (await run(wgExport, { tenant: "acme", gateway: "2" })).text,
        /^Address = 10\.11\.0\.1/m,
      );
      assert.match((await run(wgStatus, {}, "2")).text, /^interface +unknown, 10\.11\.0\.0\/24/m);
    },
  );
});
