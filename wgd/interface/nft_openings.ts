import { chunks } from "../../lib/chunks.ts";

/** A destination and what of it is reached. */
export interface Destination {
  /** An address or a network in CIDR form. */
  readonly network: string;
  readonly protocol: "tcp" | "udp" | "icmp" | "any";
  /** First and last; null for every port. */
  readonly ports: readonly [first: number, last: number] | null;
}

/** What a tenant's peers reach beyond the API. */
export interface Opening {
  /** The tunnel addresses of its peers, without a prefix. */
  readonly members: ReadonlySet<string>;
  /** The peers reach one another on every port. */
  readonly peerToPeer: boolean;
  /** Peers (one of the members each) and networks outside of the tunnel. */
  readonly destinations: readonly Destination[];
}

/** By tenant. Whoever is no member of any reaches the API alone. */
export type Openings = ReadonlyMap<number, Opening>;

const families = [
  { number: 4, name: "ip", type: "ipv4_addr", icmp: "icmp" },
  { number: 6, name: "ip6", type: "ipv6_addr", icmp: "ipv6-icmp" },
] as const;
type Family = typeof families[number];

const familyOf = (address: string): Family => families[address.includes(":") ? 1 : 0];
const chainOf = (tenantId: number) => `tenant_${tenantId}`;
const setOf = (family: Family, tenantId: number) => `members${family.number}_${tenantId}`;
const mapOf = (family: Family) => `tenants${family.number}`;

/** A table's structure without what {@link renderChanges} writes. */
export function withoutTenants(structure: string): string {
  const blocks = /^\t(chain tenant_|set members[46]_)\d+ \{\n(\t\t.*\n)*\t\}\n/gm;
  return structure.replace(blocks, "").replace(/\n+/g, "\n");
}

/** Tenant by member, which says in whose chain a packet is judged. */
function tenantsOf(openings: Openings): Map<string, number> {
  const tenants = new Map<string, number>();
  for (const [tenantId, { members }] of openings) {
    for (const address of members) tenants.set(address, tenantId);
  }
  return tenants;
}

/**
 * The rules of a tenant's chain, for packets of flows that one of its members opened, in both directions.
 *
 * They ask the conntrack entry, not the packet, where the flow leads: `ct reply saddr` is who really answers,
 * after any translation of addresses. So a reply passes exactly as long as its flow may be opened, and closing
 * ends what is established. Nothing is accepted for being established alone.
 */
export function tenantRules(tenantId: number, opening: Opening, name: string): string[] {
  return families.flatMap((family) => {
    const members = `@${setOf(family, tenantId)}`;
    const own = (network: string) => familyOf(network) === family;
    const destinations = opening.destinations.filter(({ network }) => own(network));
    const opened = `opened${family.number}`;
    const answers = `ct reply ${family.name} saddr`;
    const networks = [...new Set(destinations.map(({ network }) => network))];
    return [
      // Whatever comes out of the tunnel is of the tenant itself: an ICMP error may quote a flow of others.
      `iifname "${name}" ${family.name} saddr != ${members} drop`,
      ...(opening.peerToPeer ? [`${answers} ${members} goto ${opened}`] : []),
      ...destinations.map(({ network, protocol, ports }) =>
        `${answers} ${network} ${protocolMatch(protocol, ports, family)}goto ${opened}`
      ),
      ...networks.map((network) =>
        `${answers} ${network} meta l4proto ${family.icmp} ct state related accept`
      ),
    ];
  });
}

function protocolMatch(
  protocol: Destination["protocol"],
  ports: Destination["ports"],
  family: Family,
): string {
  if (protocol === "any") return "";
  if (protocol === "icmp") return `meta l4proto ${family.icmp} `;
  if (!ports) return `meta l4proto ${protocol} `;
  const [first, last] = ports;
  return `meta l4proto ${protocol} ct reply proto-src ${
    first === last ? first : `${first}-${last}`
  } `;
}

/** Flows through the gateway that one peer may hold: they all share the host's conntrack table. */
const flowsOfAPeer = 2048;

/**
 * The maps, sets and chains of all tenants, as they stand in a table's text.
 * @param options.size the number of peers there can be
 */
export function renderOpenings(
  openings: Openings,
  { name, size }: { name: string; size: number },
): string {
  const tenants = tenantsOf(openings);
  const maps = families.map((family) => {
    const elements = [...tenants].filter(([address]) => familyOf(address) === family)
      .map(([address, tenantId]) => `${address} : jump ${chainOf(tenantId)}`);
    return `	map ${mapOf(family)} {\n		type ${family.type} : verdict\n${
      elementLines(elements)
    }	}\n`;
  });
  const chains = [...openings].map(([tenantId, opening]) => {
    const sets = families.map((family) => {
      const elements = [...opening.members].filter((address) => familyOf(address) === family);
      return `	set ${setOf(family, tenantId)} {\n		type ${family.type}\n${
        elementLines(elements)
      }	}\n`;
    });
    const rules = tenantRules(tenantId, opening, name).map((rule) => `		${rule}\n`);
    return `${sets.join("")}	chain ${chainOf(tenantId)} {\n${rules.join("")}	}\n`;
  });
  const opened = families.map(({ number, name, type }) =>
    `	set flows${number} {
		type ${type}
		size ${size}
		flags dynamic
	}
	chain opened${number} {
		ct state new add @flows${number} { ${name} saddr ct count over ${flowsOfAPeer} } drop
		accept
	}
`
  );
  return opened.join("") + chains.join("") + maps.join("");
}

function elementLines(elements: readonly string[]): string {
  return elements.length === 0 ? "" : `		elements = { ${elements.join(", ")} }\n`;
}

/** Elements in one command; a line of more is read, but no message should hold everything. */
const chunkSize = 1000;

/**
 * The commands that lead from some openings to others, for one transaction. What both have in common is not
 * touched, so that its flows lose nothing; empty where there is no difference.
 */
export function renderChanges(
  table: string,
  { before, after, name }: { before: Openings; after: Openings; name: string },
): string {
  const was = tenantsOf(before);
  const is = tenantsOf(after);
  const leaving = [...was].filter(([address, tenantId]) => is.get(address) !== tenantId);
  const entering = [...is].filter(([address, tenantId]) => was.get(address) !== tenantId);
  const lines = elementCommands("delete", table, leaving);
  for (const tenantId of before.keys()) {
    if (after.has(tenantId)) continue;
    lines.push(`flush chain ${table} ${chainOf(tenantId)}`);
    lines.push(`delete chain ${table} ${chainOf(tenantId)}`);
    for (const family of families) lines.push(`delete set ${table} ${setOf(family, tenantId)}`);
  }
  for (const [tenantId, opening] of after) {
    const rules = tenantRules(tenantId, opening, name);
    const known = before.get(tenantId);
    if (known && tenantRules(tenantId, known, name).join("\n") === rules.join("\n")) continue;
    if (known) lines.push(`flush chain ${table} ${chainOf(tenantId)}`);
    else {
      for (const family of families) {
        lines.push(`add set ${table} ${setOf(family, tenantId)} { type ${family.type}; }`);
      }
      lines.push(`add chain ${table} ${chainOf(tenantId)}`);
    }
    for (const rule of rules) lines.push(`add rule ${table} ${chainOf(tenantId)} ${rule}`);
  }
  lines.push(...elementCommands("add", table, entering));
  return lines.map((line) => `${line}\n`).join("");
}

function elementCommands(
  verb: "add" | "delete",
  table: string,
  members: readonly (readonly [address: string, tenantId: number])[],
): string[] {
  const elements = new Map<string, string[]>();
  const put = (set: string, element: string) => {
    const known = elements.get(set);
    if (known) known.push(element);
    else elements.set(set, [element]);
  };
  for (const [address, tenantId] of members) {
    const family = familyOf(address);
    put(mapOf(family), `${address} : jump ${chainOf(tenantId)}`);
    put(setOf(family, tenantId), address);
  }
  return [...elements].flatMap(([set, all]) =>
    [...chunks(all, chunkSize)].map((part) =>
      `${verb} element ${table} ${set} { ${part.join(", ")} }`
    )
  );
}

/** By the name of a set or map, what must be in it; what is not named is no affair of openings. */
export function expectedElements(openings: Openings): Map<string, Set<string>> {
  const expected = new Map<string, Set<string>>(
    families.map((family) => [mapOf(family), new Set<string>()]),
  );
  for (const [tenantId, { members }] of openings) {
    for (const family of families) expected.set(setOf(family, tenantId), new Set());
    for (const address of members) {
      const family = familyOf(address);
      expected.get(setOf(family, tenantId))?.add(address);
      expected.get(mapOf(family))?.add(`${address} : jump ${chainOf(tenantId)}`);
    }
  }
  return expected;
}
