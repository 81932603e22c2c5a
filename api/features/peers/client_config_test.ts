import assert from "node:assert/strict";
import { Secret } from "../../../lib/secret.ts";
import { type ClientConfig, renderClientConfig, unreachableResolvers } from "./client_config.ts";

const key = (letter: string) => `${letter.repeat(42)}A=`;
const config: ClientConfig = {
  peerName: "ada-laptop",
  privateKey: new Secret(key("p")),
  presharedKey: new Secret(key("s")),
  addresses: ["10.10.0.6"],
  mtu: null,
  dns: [],
  gatewayPublicKey: key("g"),
  endpoint: "vpn.example.com:51820",
  allowedIps: ["10.10.0.1/32", "10.10.0.2/32"],
  persistentKeepalive: null,
};

Deno.test("renderClientConfig: writes only what is set", () => {
  assert.equal(
    renderClientConfig(config),
    `# MassaCorp: ada-laptop
[Interface]
PrivateKey = ${key("p")}
Address = 10.10.0.6/32

[Peer]
PublicKey = ${key("g")}
PresharedKey = ${key("s")}
AllowedIPs = 10.10.0.1/32, 10.10.0.2/32
Endpoint = vpn.example.com:51820
`,
  );
});

Deno.test("renderClientConfig: writes everything that is set", () => {
  const full = { ...config, mtu: 1380, dns: ["192.0.2.53"], persistentKeepalive: 25 };
  const lines = renderClientConfig(full).split("\n");
  for (const line of ["MTU = 1380", "DNS = 192.0.2.53", "PersistentKeepalive = 25"]) {
    assert(lines.includes(line), line);
  }
});

Deno.test("renderClientConfig: a caller's own key is not in the file, and the file says so", () => {
  const text = renderClientConfig({ ...config, privateKey: null, presharedKey: null });
  assert.doesNotMatch(text, /^PrivateKey|^PresharedKey/m);
  assert.match(text, /^# PrivateKey = \(yours/m);
});

Deno.test("renderClientConfig: no name can add a line", () => {
  for (const name of ["x\nPostUp = reboot", "x\r[Interface]", "x\u2028PostUp = reboot", "x\0y"]) {
    const text = renderClientConfig({ ...config, peerName: name });
    assert.equal(
      text.split(/[\r\n\u2028\u2029\0]/).length,
      renderClientConfig(config).split("\n").length,
    );
    assert.doesNotMatch(text, /^PostUp/m);
  }
});

Deno.test("unreachableResolvers: finds resolvers that would be looked for inside the tunnel", () => {
  const routes = ["10.10.0.0/24", "fd00::/8", "10.20.0.1"];
  assert.deepEqual(
    unreachableResolvers(
      ["10.10.0.1", "192.0.2.53", "fd00::53", "2001:db8::53", "10.20.0.1"],
      routes,
    ),
    ["10.10.0.1", "fd00::53", "10.20.0.1"],
  );
  assert.deepEqual(unreachableResolvers(["192.0.2.53"], ["0.0.0.0/0"]), ["192.0.2.53"]);
  assert.deepEqual(unreachableResolvers([], routes), []);
});
