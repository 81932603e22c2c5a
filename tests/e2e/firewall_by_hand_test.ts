import assert from "node:assert/strict";
import { type RunProcess, runProcess } from "../../lib/process.ts";
import { createFirewall } from "../../wgd/interface/firewall.ts";
import { tableName } from "../../wgd/interface/nft.ts";
import type { Opening } from "../../wgd/interface/nft_openings.ts";
import { namespaces } from "../support/netns.ts";

const rules = {
  name: "wg0",
  network: "10.10.0.0/24",
  network6: "fd00:10::/64",
  addresses: ["10.10.0.1", "fd00:10::1"],
  apiPort: 8000,
};
const opening = (port: number): Opening => ({
  members: new Set(["10.10.0.5", "fd00:10::5"]),
  peerToPeer: true,
  destinations: [{ network: "192.0.2.7/32", protocol: "tcp", ports: [port, port] }],
});
const table = `inet ${tableName(rules.name)}`;

Deno.test("T2, T9: what is written into the firewall by hand while the daemon writes is never taken for its own", async (t) => {
  await using net = await namespaces("server");
  let byHand: string | undefined;
  const run: RunProcess = async (program, args, options) => {
    const [command = "", ...rest] = net.argv("server", [`/usr/sbin/${program}`, ...args]);
    const output = await runProcess(command, rest, options);
    if (byHand && args[0] === "--file") {
      const script = byHand;
      byHand = undefined;
      await net.run("server", ["nft", script]);
    }
    return output;
  };
  const firewall = createFirewall(run, rules);
  const listing = () => net.run("server", ["nft", "list", "table", ...table.split(" ")]);

  await t.step("nothing by hand: it is ours, with openings and after they change", async () => {
    await firewall.install(new Map());
    assert.equal(await firewall.isInstalled(), true);
    await firewall.open(new Map([[1, opening(80)], [2, { ...opening(81), members: new Set() }]]));
    assert.equal(await firewall.isInstalled(), true);
    await firewall.open(new Map([[1, opening(82)]]));
    assert.equal(await firewall.isInstalled(), true);
    await firewall.install(new Map([[1, opening(82)]]));
    assert.equal(await firewall.isInstalled(), true);
  });

  const written = {
    "a rule of its own": `insert rule ${table} input tcp dport 4711 accept`,
    "a rule in a tenant's chain": `insert rule ${table} tenant_1 tcp dport 4711 accept`,
    "a chain": `add chain ${table} byhand4711`,
  };
  for (const [what, script] of Object.entries(written)) {
    await t.step(`${what}, right after the table was made`, async () => {
      byHand = script;
      await firewall.install(new Map([[1, opening(80)]]));
      assert.equal(await firewall.isInstalled(), false);
      await firewall.install(new Map([[1, opening(80)]]));
      assert.equal(await firewall.isInstalled(), true);
      assert.doesNotMatch(await listing(), /4711/);
    });
    await t.step(`${what}, right after a tenant's rules changed`, async () => {
      byHand = script;
      await firewall.open(new Map([[1, opening(90)]]));
      assert.equal(await firewall.isInstalled(), false);
      await firewall.install(new Map([[1, opening(80)]]));
      assert.doesNotMatch(await listing(), /4711/);
    });
  }

  await t.step("a rule in another's place, before a tenant's rules change", async () => {
    await net.run("server", [
      "nft",
      `flush chain ${table} forward; add rule ${table} forward tcp dport 4711 accept; ` +
      `${"add rule inet massacorp_wg0 forward accept; ".repeat(3)}`,
    ]);
    for (const port of [91, 92]) {
      await firewall.open(new Map([[1, opening(port)]]));
      assert.equal(await firewall.isInstalled(), false, `${port}`);
    }
  });
});
