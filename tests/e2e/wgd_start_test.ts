import assert from "node:assert/strict";
import { tableName } from "../../wgd/interface/nft.ts";
import { testDatabase } from "../support/database.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { TestDaemon } from "../support/wgd.ts";
import { assertWhole } from "../support/whole.ts";

Deno.test("the daemon: starts once an interface, on its own key, on its own interface, or says why not", async (t) => {
  await using db = await testDatabase();
  await using net = await namespaces("server");
  await using wgd = await TestDaemon.create(db, net);
  await wgd.start();
  const step = async (name: string, run: () => Promise<void>) =>
    assert.ok(await t.step(name, run), name);
  const refusal = async () => {
    const output = await wgd.output("wgd/main.ts");
    assert.equal(output.code, 1);
    return new TextDecoder().decode(output.stdout);
  };

  await step("a second one is refused, and the first goes on", async () => {
    assert.match(await refusal(), /another daemon serves/);
    const peer = await wgd.addPeer();
    await wgd.untilState(peer, "applied");
  });
  await step("wireguard-go killed, the kernel's interface deleted: it is built anew", async () => {
    if ((await wgd.client.status()).interface.backend === "kernel") {
      await wgd.ip("link", "delete", wgd.name);
    } else {
      const { stdout } = await net.exec("server", [
        "sh",
        "-c",
        `pgrep -f "[w]ireguard-go -f ${wgd.name}$"`,
      ]);
      const pid = Number(stdout.trim());
      assert.ok(pid > 1);
      // In a session of its own, so that neither Ctrl-C nor a closed terminal reaches it.
      const session = async (of: number) =>
        (await Deno.readTextFile(`/proc/${of}/stat`)).replace(/.*\) /, "").split(" ")[3];
      assert.notEqual(await session(pid), await session(wgd.pid));
      Deno.kill(pid, "SIGKILL");
    }
    await until("all peers are back", async () => (await wgd.dump()).peers.size === 1, {
      timeoutMs: 5000,
    });
  });
  await step("T6: the host's key is missing: nothing is made in its place", async () => {
    await wgd.end();
    await Deno.rename(`${wgd.folder}/gateway.key`, `${wgd.folder}/kept`);
    const words = await refusal();
    assert.match(words, /this host has no gateway key/);
    assert.match(words, /Restore that file from a backup/);
    await assert.rejects(Deno.stat(`${wgd.folder}/gateway.key`));
    assert.equal((await wgd.dump()).peers.size, 1);
  });
  await step("T6: the host's key is another one", async () => {
    const other = await net.run("server", ["wg", "genkey"]);
    await Deno.writeTextFile(`${wgd.folder}/gateway.key`, other, { mode: 0o600 });
    assert.match(await refusal(), /is another one/);
    await Deno.rename(`${wgd.folder}/kept`, `${wgd.folder}/gateway.key`);
  });
  await step("a network that shrinks is refused", async () => {
    const output = await wgd.output("wgd/main.ts", { WG_NETWORK: "10.10.0.0/25" });
    assert.equal(output.code, 1);
    assert.match(new TextDecoder().decode(output.stdout), /WG_NETWORK can only grow/);
  });
  await step("every fault of its settings is named at once, and no value", async () => {
    const faulty = { WG_PORT: "0", WG_MTU: "1", WGD_PRESHARED_SUBKEY: "hunter2" };
    const output = await wgd.output("wgd/main.ts", faulty);
    assert.equal(output.code, 78, "EX_CONFIG of sysexits.h");
    const words = new TextDecoder().decode(output.stdout);
    for (const name of Object.keys(faulty)) assert.ok(words.includes(name), name);
    assert.ok(!words.includes("hunter2"));
  });
  await step("down takes interface and firewall away, and only while no daemon runs", async () => {
    await wgd.start();
    assert.equal((await wgd.output("wgd/down.ts")).code, 1);
    await wgd.end();
    assert.ok(
      (await net.exec("server", ["nft", "list", "table", "inet", tableName(wgd.name)])).success,
    );
    assert.equal((await wgd.output("wgd/down.ts")).code, 0);
    assert.equal((await net.exec("server", ["ip", "link", "show", wgd.name])).success, false);
    assert.equal(await net.run("server", ["nft", "list", "ruleset"]), "");
    assert.equal((await wgd.output("wgd/down.ts")).code, 0, "twice is no error");
  });
  await step("an interface of that name that is no WireGuard is left alone", async () => {
    await wgd.ip("link", "add", wgd.name, "type", "bridge");
    await wgd.start({ ready: false });
    await until("it says so", async () => {
      const { last_error } = await wgd.client.status();
      return /taken by something that is not WireGuard/.test(last_error ?? "");
    });
    const [link] = JSON.parse(await wgd.ip("-j", "address", "show", "dev", wgd.name));
    assert.deepEqual(link.addr_info, []);
    await wgd.ip("link", "delete", wgd.name);
    await until(
      "it comes up once the name is free",
      async () => (await wgd.dump()).peers.size === 1,
    );
  });
  await assertWhole(wgd);
});
