import assert from "node:assert/strict";
import { renderRules, tableName } from "./nft.ts";
import { parseListing } from "./nft_listing.ts";

const rules = {
  name: "wg0",
  network: "10.10.0.0/24",
  network6: null,
  addresses: ["10.10.0.1", "10.10.0.2"],
  apiPort: 8000,
};

Deno.test("T1, T9: renderRules: the whole table as text", () => {
  assert.equal(
    renderRules(rules),
    `add table inet massacorp_wg0
add chain inet massacorp_wg0 prerouting { type filter hook prerouting priority -300; policy accept; }
add chain inet massacorp_wg0 input { type filter hook input priority -10; policy accept; }
add chain inet massacorp_wg0 forward { type filter hook forward priority -10; policy accept; }
flush table inet massacorp_wg0
table inet massacorp_wg0 {
	set connections4 {
		type ipv4_addr
		size 256
		flags dynamic
	}
	set attempts4 {
		type ipv4_addr
		size 256
		flags dynamic,timeout
		timeout 1m
	}
	chain api4 {
		ct state new update @attempts4 { ip saddr limit rate over 50/second burst 100 packets } drop
		ct state new add @connections4 { ip saddr ct count over 64 } drop
		accept
	}
	set flows4 {
		type ipv4_addr
		size 256
		flags dynamic
	}
	chain opened4 {
		ct state new add @flows4 { ip saddr ct count over 2048 } drop
		accept
	}
	set flows6 {
		type ipv6_addr
		size 256
		flags dynamic
	}
	chain opened6 {
		ct state new add @flows6 { ip6 saddr ct count over 2048 } drop
		accept
	}
	map tenants4 {
		type ipv4_addr : verdict
	}
	map tenants6 {
		type ipv6_addr : verdict
	}
	chain tunnel {
		ct original ip saddr vmap @tenants4
		ct original ip6 saddr vmap @tenants6
		drop
	}
	chain prerouting {
		iifname != "wg0" ip saddr 10.10.0.0/24 drop
	}
	chain input {
		iifname "wg0" ip daddr { 10.10.0.1, 10.10.0.2 } tcp dport 8000 goto api4
		iifname "wg0" ip daddr { 10.10.0.1, 10.10.0.2 } icmp type echo-request accept
		iifname "wg0" drop
		ip daddr 10.10.0.0/24 drop
	}
	chain forward {
		iifname "wg0" goto tunnel
		oifname "wg0" goto tunnel
		ip daddr 10.10.0.0/24 drop
	}
}
`,
  );
});

Deno.test("T1, T9: renderRules: with IPv6, the same for both families", () => {
  const text = renderRules({
    ...rules,
    network6: "fd00:1::/64",
    addresses: ["10.10.0.1", "10.10.0.2", "fd00:1::1", "fd00:1::2"],
  }).replace(/\{ [^}]* \}/g, "ADDRESSES");
  const chain = (name: string) =>
    new RegExp(`\\n\tchain ${name} \\{\\n([^}]*)\\n`).exec(text)?.[1]?.split("\n").map((line) =>
      line.trim()
    );
  assert.deepEqual(chain("prerouting"), [
    'iifname != "wg0" ip saddr 10.10.0.0/24 drop',
    'iifname != "wg0" ip6 saddr fd00:1::/64 drop',
  ]);
  assert.deepEqual(chain("input"), [
    'iifname "wg0" ip daddr ADDRESSES tcp dport 8000 goto api4',
    'iifname "wg0" ip daddr ADDRESSES icmp type echo-request accept',
    'iifname "wg0" ip6 daddr ADDRESSES tcp dport 8000 goto api6',
    'iifname "wg0" ip6 daddr ADDRESSES icmpv6 type ADDRESSES accept',
    'iifname "wg0" drop',
    "ip daddr 10.10.0.0/24 drop",
    "ip6 daddr fd00:1::/64 drop",
  ]);
  assert.deepEqual(chain("forward")?.slice(2), [
    "ip daddr 10.10.0.0/24 drop",
    "ip6 daddr fd00:1::/64 drop",
  ]);
});

Deno.test("T9: renderRules: a table that is there is emptied and filled again, never taken away", () => {
  const openings = new Map([[2, {
    members: new Set(["10.10.0.6"]),
    peerToPeer: false,
    destinations: [],
  }]]);
  const there = parseListing(renderRules(rules, { openings }));
  assert.deepEqual(there.chains, [
    "api4",
    "opened4",
    "opened6",
    "tenant_2",
    "tunnel",
    "prerouting",
    "input",
    "forward",
  ]);
  const again = renderRules(rules, { there });
  assert.deepEqual(
    again.slice(0, again.indexOf("table inet massacorp_wg0 {")).match(/^.*(delete|flush).*$/gm),
    [
      "flush table inet massacorp_wg0",
      "delete map inet massacorp_wg0 tenants4",
      "delete map inet massacorp_wg0 tenants6",
      "delete chain inet massacorp_wg0 api4",
      "delete chain inet massacorp_wg0 opened4",
      "delete chain inet massacorp_wg0 opened6",
      "delete chain inet massacorp_wg0 tenant_2",
      "delete chain inet massacorp_wg0 tunnel",
      "delete set inet massacorp_wg0 members4_2",
      "delete set inet massacorp_wg0 members6_2",
    ],
  );
});

Deno.test("tableName: an identifier of nft, and one of its own for each interface name", () => {
  const names = ["wg0", "wg.0", "wg-0", "wg_0", "wg_2d0", "wg=0", "wg+0"];
  const tables = names.map(tableName);
  for (const table of tables) assert.match(table, /^massacorp_[a-zA-Z0-9_]+$/);
  assert.equal(new Set(tables).size, names.length);
});
