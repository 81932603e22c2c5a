import assert from "node:assert/strict";
import { createLogger } from "../../lib/log.ts";
import { ProcessError, type ProcessFailure, type RunProcess } from "../../lib/process.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { createTunnelInterface } from "./mod.ts";

/** Makes an interface where `ip link add` ends so; answers what was started in its place. */
async function createWhere(failure: ProcessFailure): Promise<string[]> {
  const run: RunProcess = (program, args) => {
    if (args.includes("wireguard")) throw new ProcessError(program, failure, 2, "");
    return Promise.resolve("");
  };
  const started: string[] = [];
  const tunnel = createTunnelInterface({
    name: "wg0",
    listenPort: 51820,
    mtu: 1420,
    network: "10.10.0.0/24",
    network6: null,
    addresses: ["10.10.0.1/24"],
    apiPort: 8000,
  }, {
    run,
    log: createLogger({ level: "error", write: () => {} }),
    spawn: (program) => {
      started.push(program);
      return { exited: Promise.resolve() };
    },
  });
  await assert.rejects(tunnel.ensure(await generateKeyPair(), () => new Map()));
  return started;
}

Deno.test("ensure: wireguard-go stands in where the kernel refuses, and not where ip hangs or is missing", async () => {
  assert.deepEqual(await createWhere("exit"), ["wireguard-go"]);
  assert.deepEqual(await createWhere("timeout"), []);
  assert.deepEqual(await createWhere("start"), []);
});
