import assert from "node:assert/strict";
import { renderRules, tableName } from "./nft.ts";

Deno.test("T1, T9: renderRules: the whole table as text", () => {
  const text = renderRules({
    name: "wg0",
    network: "10.10.0.0/24",
    network6: null,
    addresses: ["10.10.0.1", "10.10.0.2"],
    apiPort: 8000,
  });
  assert.equal(
    text,
    `table inet massacorp_wg0
delete table inet massacorp_wg0
table inet massacorp_wg0 {
	chain input {
		type filter hook input priority -10; policy accept;
		iifname "wg0" ip daddr { 10.10.0.1, 10.10.0.2 } tcp dport 8000 accept
		iifname "wg0" ip daddr { 10.10.0.1, 10.10.0.2 } icmp type echo-request accept
		iifname "wg0" drop
		ip daddr 10.10.0.0/24 drop
	}
	chain forward {
		type filter hook forward priority -10; policy accept;
		iifname "wg0" drop
		oifname "wg0" drop
	}
}
`,
  );
});

Deno.test("T1, T9: renderRules: with IPv6, the same for both families", () => {
  const text = renderRules({
    name: "wg0",
    network: "10.10.0.0/24",
    network6: "fd00:1::/64",
    addresses: ["10.10.0.1", "10.10.0.2", "fd00:1::1", "fd00:1::2"],
    apiPort: 8000,
  });
  const input = /chain input \{\n([^}]*)/.exec(text.replace(/\{ [^}]* \}/g, "ADDRESSES"))?.[1];
  assert.deepEqual(input?.trimEnd().split("\n").map((line) => line.trim()), [
    "type filter hook input priority -10; policy accept;",
    'iifname "wg0" ip daddr ADDRESSES tcp dport 8000 accept',
    'iifname "wg0" ip daddr ADDRESSES icmp type echo-request accept',
    'iifname "wg0" ip6 daddr ADDRESSES tcp dport 8000 accept',
    'iifname "wg0" ip6 daddr ADDRESSES icmpv6 type ADDRESSES accept',
    'iifname "wg0" drop',
    "ip daddr 10.10.0.0/24 drop",
    "ip6 daddr fd00:1::/64 drop",
  ]);
  assert.match(text, /ip6 daddr \{ fd00:1::1, fd00:1::2 \} tcp/);
  assert.match(text, / ip daddr \{ 10\.10\.0\.1, 10\.10\.0\.2 \} tcp/);
});

Deno.test("tableName: an identifier of nft, and one of its own for each interface name", () => {
  const names = ["wg0", "wg.0", "wg-0", "wg_0", "wg_2d0", "wg=0", "wg+0"];
  const tables = names.map(tableName);
  for (const table of tables) assert.match(table, /^massacorp_[a-zA-Z0-9_]+$/);
  assert.equal(new Set(tables).size, names.length);
});
