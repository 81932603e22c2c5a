import assert from "node:assert/strict";
import { ProcessError, type RunProcess } from "../../lib/process.ts";
import { createIp } from "./ip.ts";

const address = JSON.stringify([{
  ifname: "wg0",
  flags: ["POINTOPOINT", "UP"],
  mtu: 1420,
  linkinfo: { info_kind: "wireguard" },
  addr_info: [
    { family: "inet", local: "10.10.0.1", prefixlen: 24, scope: "global" },
    { family: "inet6", local: "fe80::1", prefixlen: 64, scope: "link" },
  ],
}]);
const netconf = JSON.stringify([
  { family: "inet", interface: "wg0", forwarding: true },
  { family: "inet6", interface: "wg0", forwarding: true },
]);
const route = JSON.stringify([
  { type: "unicast", dst: "10.10.0.0/24", table: "main", protocol: "kernel" },
  { type: "unicast", dst: "fd00::/64", table: "main", metric: 256 },
  { type: "unicast", dst: "10.9.0.0/24", gateway: "10.10.0.9", table: "main" },
  { type: "unicast", dst: "10.8.0.0/24", table: "100" },
  { type: "local", dst: "10.10.0.1", table: "local" },
  { type: "multicast", dst: "ff00::/8", table: "local" },
]);
const link = { name: "wg0", kind: "wireguard", up: true, mtu: 1420, addresses: ["10.10.0.1/24"] };
const forwards = { ipv4: true, ipv6: false };

/** An `ip` that answers a batch so, or fails so; what was asked beside batches. */
function answering(batch: string) {
  const asked: string[] = [];
  const run: RunProcess = (program, args) => {
    if (args.includes("-batch")) {
      return batch === "exit" || batch === "timeout"
        ? Promise.reject(new ProcessError(program, batch, 1, ""))
        : Promise.resolve(batch);
    }
    asked.push(args.join(" "));
    return Promise.resolve(args.includes("netconf") ? netconf : address);
  };
  return { ip: createIp(run, "wg0"), asked };
}

Deno.test("look: one call tells link, forwarding and the routes without a gateway in the main table", async () => {
  const { ip, asked } = answering([address, netconf, route, ""].join("\n"));
  const routes = ["10.10.0.0/24", "fd00::/64"];
  assert.deepEqual(await ip.look(), { link, forwards, routes });
  assert.deepEqual(asked, []);
});

Deno.test("look: where the call fails or is answered in part, each is asked alone, and routes are not known", async () => {
  const parts = [[address, netconf], [address, netconf, route, "[]"], []];
  const answers = parts.map((lines) => lines.join("\n"));
  for (const batch of ["exit", ...answers]) {
    const { ip, asked } = answering(batch);
    assert.deepEqual(await ip.look(), { link, forwards, routes: null });
    assert.equal(asked.length, 2);
  }
});

Deno.test("look: what hangs is not asked again", async () => {
  const { ip, asked } = answering("timeout");
  await assert.rejects(ip.look(), { failure: "timeout" });
  assert.deepEqual(asked, []);
});
