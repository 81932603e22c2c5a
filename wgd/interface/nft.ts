import { ProcessError, type RunProcess } from "../../lib/process.ts";

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

/** The daemon's one nftables table. */
export interface Firewall {
  /** True when the table is there as this process left it. */
  isInstalled(): Promise<boolean>;
  /** Puts the table in place, in one transaction. */
  install(): Promise<void>;
  remove(): Promise<void>;
}

/** The table of an interface; two interface names never share one. */
export function tableName(name: string): string {
  const safe = name.replace(/[^a-zA-Z0-9]/g, (char) => `_${char.charCodeAt(0).toString(16)}`);
  return `massacorp_${safe}`;
}

/**
 * The table as text for `nft -f`, which applies it in one transaction: at no moment is there none. It only
 * ever drops what has to do with the tunnel; "accept" lets a packet go on to the host's own rules.
 */
export function renderRules(rules: TunnelRules): string {
  const { name, network, network6, addresses, apiPort } = rules;
  const table = `table inet ${tableName(name)}`;
  const api = `{ ${addresses.filter((address) => !address.includes(":")).join(", ")} }`;
  const api6 = `{ ${addresses.filter((address) => address.includes(":")).join(", ")} }`;
  // The tunnel has no link layer, so there are no neighbours to discover; but nobody fragments on the way.
  const accept6 = `
		iifname "${name}" ip6 daddr ${api6} tcp dport ${apiPort} accept
		iifname "${name}" ip6 daddr ${api6} icmpv6 type { echo-request, packet-too-big } accept`;
  return `${table}
delete ${table}
${table} {
	chain input {
		type filter hook input priority -10; policy accept;
		iifname "${name}" ip daddr ${api} tcp dport ${apiPort} accept
		iifname "${name}" ip daddr ${api} icmp type echo-request accept${
    network6 === null ? "" : accept6
  }
		iifname "${name}" drop
		ip daddr ${network} drop${network6 === null ? "" : `\n\t\tip6 daddr ${network6} drop`}
	}
	chain forward {
		type filter hook forward priority -10; policy accept;
		iifname "${name}" drop
		oifname "${name}" drop
	}
}
`;
}

export function createFirewall(run: RunProcess, rules: TunnelRules): Firewall {
  const table = ["table", "inet", tableName(rules.name)];
  // How nft prints what it was given differs between its versions; so the listing is compared with the one
  // taken right after the table was loaded.
  let installed: string | undefined;
  const list = async () => {
    try {
      return await run("nft", ["--stateless", "--numeric", "list", ...table]);
    } catch (error) {
      if (error instanceof ProcessError && error.failure === "exit") return undefined;
      throw error;
    }
  };
  return {
    async isInstalled() {
      return installed !== undefined && await list() === installed;
    },
    async install() {
      installed = undefined;
      await run("nft", ["--file", "-"], { stdin: renderRules(rules) });
      installed = await list();
    },
    async remove() {
      installed = undefined;
      const name = table.join(" ");
      // Declared first, so that deleting a table that is not there succeeds as well.
      await run("nft", ["--file", "-"], { stdin: `${name}\ndelete ${name}\n` });
    },
  };
}
