import assert from "node:assert/strict";
import { adminOf, peerOf, testApi, tunnelFrom } from "../../tests/support/api.ts";
import { parseAnyNetwork } from "../../lib/network.ts";
import { Hono } from "hono";
import type { AppEnv } from "../context.ts";
import { source, sourceAddress } from "./source.ts";

const proxies = ["127.0.0.1", "192.0.2.0/24", "2001:db8::/32"].flatMap((text) =>
  parseAnyNetwork(text) ?? assert.fail(text)
);

Deno.test("sourceAddress: T10: the first from the right that is no proxy, and nobody where it is not said", () => {
  const peer = "10.10.0.6";
  const hundred = Array.from({ length: 100 }, (_, n) => `10.10.1.${n}`).join(", ");
  const vectors: [what: string, header: string | undefined, expected: string | null][] = [
    ["one proxy", peer, peer],
    ["what the peer itself sent stands to the left", `10.10.0.99, ${peer}`, peer],
    ["garbage of the peer's is not read", `;;, <script>, ${peer}`, peer],
    ["a hundred entries", `${hundred}, ${peer}`, peer],
    ["a chain of proxies", `10.10.0.99, ${peer}, 192.0.2.7, 2001:db8::1`, peer],
    ["a proxy twice", `${peer}, 127.0.0.1, 127.0.0.1`, peer],
    ["spaces and tabs", `10.10.0.99,\t ${peer} \t`, peer],
    ["no spaces", `10.10.0.99,${peer}`, peer],
    ["mapped into IPv6", `::ffff:${peer}`, peer],
    ["a mapped proxy in the chain", `${peer}, ::ffff:192.0.2.7`, peer],
    ["IPv6", "FD00:0:0:0::6", "fd00::6"],
    ["no header", undefined, null],
    ["an empty header", "", null],
    ["an empty last entry", `${peer},`, null],
    ["an empty entry before a proxy", `${peer},,192.0.2.7`, null],
    ["nobody but proxies", "192.0.2.1, 192.0.2.7", null],
    ["the proxy itself", "127.0.0.1", null],
    ["a port", `${peer}:1234`, null],
    ["brackets", "[fd00::6]", null],
    ["a zone", "fe80::1%wg0", null],
    ["leading zeros", "010.10.0.6", null],
    ["a name", "unknown", null],
    ["quotes", `"${peer}"`, null],
    ["another space", `\u00a0${peer}`, null],
    ["malformed behind a proxy", `${peer}, x, 192.0.2.7`, null],
  ];
  for (const [what, header, expected] of vectors) {
    assert.equal(sourceAddress("127.0.0.1", header, proxies), expected, what);
    assert.equal(sourceAddress("::ffff:127.0.0.1", header, proxies), expected, `mapped: ${what}`);
    assert.equal(sourceAddress("10.10.0.7", header, proxies), "10.10.0.7", `no proxy: ${what}`);
    assert.equal(sourceAddress("127.0.0.1", header, []), "127.0.0.1", `none trusted: ${what}`);
  }
  assert.equal(sourceAddress(null, peer, proxies), null);
});

Deno.test("source: a scheme is the connection's own or a trusted proxy's word, and an address changes on the tunnel's listener alone", async () => {
  const app = new Hono<AppEnv>();
  app.use(source({ settings: { trustedProxies: proxies } }));
  app.get("/", (c) => c.text(`${c.get("scheme") ?? "unsaid"} ${c.env.address}`));
  const ask = async (env: Partial<AppEnv["Bindings"]>, headers: Record<string, string> = {}) => {
    const bindings = { listener: "tunnel", address: "127.0.0.1", ...env };
    return await (await app.request("/", { headers }, bindings)).text();
  };
  const forwarded = { "x-forwarded-for": "10.10.0.6", "x-forwarded-proto": "http" };
  assert.equal(await ask({}, forwarded), "http 10.10.0.6");
  // What came over TLS of our own did, whatever is said.
  assert.equal(await ask({ tls: true }, forwarded), "https 10.10.0.6");
  assert.equal(await ask({ address: "10.10.0.7" }, forwarded), "unsaid 10.10.0.7");
  assert.equal(await ask({}, { ...forwarded, "x-forwarded-proto": "gopher" }), "unsaid 10.10.0.6");
  for (const listener of ["operator", "scrape", "loopback"] as const) {
    assert.equal(await ask({ listener }, forwarded), "http 127.0.0.1", listener);
  }
});

Deno.test("app: T10: behind a proxy a request is the peer's that the proxy names, in limits and records too", async () => {
  await using api = await testApi({
    inProcess: "plays the proxies itself",
    env: { TRUSTED_PROXIES: "127.0.0.1, 127.0.0.2" },
  });
  const acme = await adminOf(api, "acme");
  const other = await adminOf(api, "other");
  const mine = await peerOf(api, acme);
  const theirs = await peerOf(api, other);
  const ask = (path: string, forwarded: string | undefined, from = "127.0.0.1") =>
    api.request(path, {
      via: tunnelFrom(from),
      token: acme.token,
      headers: forwarded === undefined ? {} : { "x-forwarded-for": forwarded },
    });
  const info = await ask("/api/v1/info", `${theirs.address}, ${mine.address}`);
  assert.deepEqual(info.body.caller, {
    via: "tunnel",
    address: mine.address,
    peer_id: mine.id,
    tenant_id: acme.tenantId,
  });
  assert.equal((await ask("/api/v1/auth/me", mine.address)).status, 200);
  assert.equal((await ask("/api/v1/auth/me", `${mine.address}, 127.0.0.2`)).status, 200);
  // Forged to the left of the truth, or by somebody who is no proxy.
  const refused: [string | undefined, string?][] = [
    [`${mine.address}, ${theirs.address}`],
    [mine.address, theirs.address],
    [mine.address, "127.0.0.3"],
    [mine.address, "::1"],
    ["127.0.0.1"],
    ["10.10.0.99"],
    ["x"],
    [undefined],
  ];
  for (const [forwarded, from] of refused) {
    const reply = await ask("/api/v1/auth/me", forwarded, from);
    assert.equal(reply.status, 403, `${forwarded} from ${from}`);
    assert.equal(reply.body.code, "wrong_tunnel");
  }
  const entries = await api.db.owner`
    select host(address) as address from audit_log where action = 'tunnel.refuse'`;
  assert.deepEqual(entries.map(({ address }) => address), [theirs.address, theirs.address]);
  assert.equal((await ask("/health", undefined)).status, 200, "the proxy may ask how it is");
});
