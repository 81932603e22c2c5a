import assert from "node:assert/strict";
import {
  adminOf,
  loopback,
  type RequestOptions,
  testApi,
  tunnelFrom,
} from "../../tests/support/api.ts";
import { createApp } from "../app.ts";
import { hostOf } from "./hosts.ts";

Deno.test("hostOf: names and addresses without their port, and nothing that is no host", () => {
  const vectors: Record<string, string | undefined> = {
    "10.10.0.1:8000": "10.10.0.1",
    "VPN.Example.com": "vpn.example.com",
    "[FD00:0::1]:8000": "fd00::1",
    "[fd00::1]": "fd00::1",
    "fd00::1": undefined,
    "": undefined,
    "a b": undefined,
    "a@b": undefined,
    "a/b": undefined,
    "a?b": undefined,
    "a:b": undefined,
    "a:1:2": undefined,
    "a:": undefined,
    "a,b": undefined,
    "a\u00e9": undefined,
    "[a]": undefined,
    "10.10.0.1:8000\t": undefined,
  };
  for (const [authority, expected] of Object.entries(vectors)) {
    assert.equal(hostOf(authority), expected, authority);
  }
});

Deno.test("trustedHosts: the API answers to its own names, and looks nothing up for any other", async () => {
  await using api = await testApi({
    env: {
      ALLOWED_HOSTS: "api.test, Vpn.Example.com, fd00::9",
      WG_NETWORK6: "fd12:3456:789a:1::/64",
    },
  });
  const acme = await adminOf(api, "acme");
  const ask = async (host: string, via: RequestOptions["via"] & object = loopback) => {
    const { body, status, text } = await api.request("/api/v1/auth/me", {
      via,
      token: acme.token,
      headers: { host },
    });
    assert.doesNotMatch(text, /evil/);
    return body.code ?? status;
  };
  // The Host field of a request made here is not that of its URL, as it is where one came in.
  const app = createApp(api.deps);
  const status = async (url: string, host?: string) => {
    const headers = { authorization: `Bearer ${acme.token}`, ...(host ? { host } : {}) };
    return (await app.fetch(new Request(url, { headers }), loopback)).status;
  };
  for (
    const own of [
      ...["10.10.0.1:8000", "10.10.0.2", "127.0.0.1:1", "localhost:8000", "vpn.example.com:443"],
      ...["[fd12:3456:789a:1::1]:8000", "[fd12:3456:789a:1::2]", "[fd00::9]", "VPN.example.com"],
    ]
  ) {
    assert.equal(await status(`http://${own}/api/v1/auth/me`), 200, own);
  }
  for (
    const other of [
      ...["evil.example", "vpn.example.com.evil.example", "evil.vpn.example.com", "10.10.0.3"],
      ...["vpn.example.com.", "[::1]", "0.0.0.0", "10.10.0.1.nip.io"],
    ]
  ) {
    assert.equal(await status(`http://${other}/api/v1/auth/me`), 421, other);
    assert.equal(await ask(other), "unknown_host", other);
  }
  // Two opinions, both of them good by themselves.
  assert.equal(await status("http://10.10.0.1/api/v1/auth/me", "10.10.0.2"), 421);
  assert.equal(await status("http://10.10.0.1/api/v1/auth/me", "10.10.0.1"), 200);
  assert.equal(await ask("evil.example", tunnelFrom("10.10.0.99")), "unknown_host");
  assert.equal(await ask("evil.example", { listener: "operator", address: null }), 200);
});
