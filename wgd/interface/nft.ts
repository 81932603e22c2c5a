import type { Listing } from "./nft_listing.ts";
import { type Openings, renderOpenings } from "./nft_openings.ts";

/** What the rules of one tunnel depend on. */
export interface TunnelRules {
  /** Name of the tunnel interface. */
  readonly name: string;
  /** CIDR of the tunnel network. */
  readonly network: string;
  /** CIDR of the IPv6 network; null where there is none. */
  readonly network6: string | null;
  /** The addresses on which the API listens. */
  readonly addresses: readonly string[];
  readonly apiPort: number;
}

/** The table of an interface; two interface names never share one. */
export function tableName(name: string): string {
  const safe = name.replace(/[^a-zA-Z0-9]/g, (char) => `_${char.charCodeAt(0).toString(16)}`);
  return `massacorp_${safe}`;
}

/** Connections to the API that one peer may hold at a time: a browser needs six. */
const connectionsOfAPeer = 64;
/** And how many it may begin: more than twice what the API's own limits let through. */
const attemptsOfAPeer = "50/second burst 100 packets";

const baseChains = {
  // Before conntrack, so that a forged packet never makes or keeps an entry there.
  prerouting: "type filter hook prerouting priority -300; policy accept;",
  input: "type filter hook input priority -10; policy accept;",
  forward: "type filter hook forward priority -10; policy accept;",
};

/** A family's own names, and what stands in the table of it. */
interface Family {
  readonly number: 4 | 6;
  readonly name: "ip" | "ip6";
  readonly network: string;
  readonly addresses: readonly string[];
  /** What is answered besides the API. */
  readonly echo: string;
}

function familiesOf({ network, network6, addresses }: TunnelRules): Family[] {
  const isSix = (address: string) => address.includes(":");
  const echo = "icmp type echo-request";
  // The tunnel has no link layer, so there are no neighbours to discover; but nobody fragments on the way.
  const echo6 = "icmpv6 type { echo-request, packet-too-big }";
  const four = addresses.filter((address) => !isSix(address));
  const six = addresses.filter(isSix);
  return [
    { number: 4, name: "ip", network, addresses: four, echo },
    ...network6 === null
      ? []
      : [{ number: 6, name: "ip6", network: network6, addresses: six, echo: echo6 } as const],
  ];
}

/**
 * The table as text for `nft -f`, which applies it in one transaction. It only ever drops what has to do with
 * the tunnel; "accept" lets a packet go on to the host's own rules.
 *
 * @param there what of the table is there already. Its chains are emptied and filled again instead of made
 * anew: between a chain that goes and one that comes, a packet might meet neither.
 */
export function renderRules(
  rules: TunnelRules,
  { openings = new Map(), there }: { openings?: Openings; there?: Listing | undefined } = {},
): string {
  const { name, network, apiPort } = rules;
  // As many peers as there can be.
  const size = 2 ** (32 - Number(network.slice(network.indexOf("/") + 1)));
  const table = `inet ${tableName(name)}`;
  const families = familiesOf(rules);
  const lines = (line: (family: Family) => string | string[]) =>
    families.flatMap(line).map((text) => `\n\t\t${text}`).join("");
  const bases = Object.entries(baseChains);
  const others = (there?.chains ?? []).filter((chain) => !(chain in baseChains));
  const making = [
    `add table ${table}`,
    ...bases.map(([chain, type]) => `add chain ${table} ${chain} { ${type} }`),
    `flush table ${table}`,
    ...(there?.maps ?? []).map((map) => `delete map ${table} ${map}`),
    ...others.map((chain) => `delete chain ${table} ${chain}`),
    ...(there?.sets ?? []).map((set) => `delete set ${table} ${set}`),
  ];
  return `${making.join("\n")}
table ${table} {
${families.map((family) => renderLimits(family, size)).join("")}${
    renderOpenings(openings, { name, size })
  }	chain tunnel {
		ct original ip saddr vmap @tenants4
		ct original ip6 saddr vmap @tenants6
		drop
	}
	chain prerouting {${
    lines((family) => `iifname != "${name}" ${family.name} saddr ${family.network} drop`)
  }
	}
	chain input {${
    lines((family) => {
      const api = `iifname "${name}" ${family.name} daddr { ${family.addresses.join(", ")} }`;
      return [
        `${api} tcp dport ${apiPort} goto api${family.number}`,
        `${api} ${family.echo} accept`,
      ];
    })
  }
		iifname "${name}" drop${lines((family) => `${family.name} daddr ${family.network} drop`)}
	}
	chain forward {
		iifname "${name}" goto tunnel
		oifname "${name}" goto tunnel${lines((family) => `${family.name} daddr ${family.network} drop`)}
	}
}
`;
}

function renderLimits({ number, name }: Family, size: number): string {
  const key = `type ipv${number}_addr\n\t\tsize ${size}`;
  return `	set connections${number} {
		${key}
		flags dynamic
	}
	set attempts${number} {
		${key}
		flags dynamic,timeout
		timeout 1m
	}
	chain api${number} {
		ct state new update @attempts${number} { ${name} saddr limit rate over ${attemptsOfAPeer} } drop
		ct state new add @connections${number} { ${name} saddr ct count over ${connectionsOfAPeer} } drop
		accept
	}
`;
}
