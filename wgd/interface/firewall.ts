import { ProcessError, type RunProcess } from "../../lib/process.ts";
import { renderRules, tableName, type TunnelRules } from "./nft.ts";
import { countRules, holds, parseListing } from "./nft_listing.ts";
import {
  expectedElements,
  type Opening,
  type Openings,
  renderChanges,
  tenantRules,
  withoutTenants,
} from "./nft_openings.ts";

/** The daemon's one nftables table. */
export interface Firewall {
  /** True when the table is there as this process left it, members of tenants included. */
  isInstalled(): Promise<boolean>;
  /** Puts all of the table in place, in one transaction. */
  install(openings: Openings): Promise<void>;
  /**
   * Brings an installed table to these openings, in one transaction. A tenant whose rules nft refuses is left
   * out until they are others.
   * @throws {ProcessError} when nothing was changed
   */
  open(openings: Openings): Promise<void>;
  /** Tenants whose rules nft refused. */
  readonly refused: ReadonlySet<number>;
  remove(): Promise<void>;
}

/** 10,000 peers in a map and a set are 700 kB. */
const maxOutputBytes = 256 * 1024 * 1024;
const closed: Openings = new Map();

export function createFirewall(run: RunProcess, rules: TunnelRules): Firewall {
  const { name } = rules;
  const table = `inet ${tableName(name)}`;
  // How nft prints what it was given differs between its versions; so the listing is compared with the one
  // taken right after the rules were loaded. Which members must be in it is known.
  let structure: string | undefined;
  /** A listing that was found right, so that the same one need not be read again. */
  let verified: string | undefined;
  let asked: Openings | undefined;
  let current = closed;
  /** By tenant, the very rules that nft refused, so that the same ones are not tried in every pass. */
  let refused = new Map<number, string>();

  const rulesOf = (tenantId: number, opening: Opening) =>
    tenantRules(tenantId, opening, name).join("\n");
  const changesTo = (after: Openings) => renderChanges(table, { before: current, after, name });
  const load = (script: string) => run("nft", ["--file", "-"], { stdin: script });

  async function isLoadable(script: string): Promise<boolean> {
    return await succeeds(() => run("nft", ["--check", "--file", "-"], { stdin: script })) !==
      undefined;
  }

  async function list(): Promise<string | undefined> {
    const command = ["--stateless", "--numeric", "list", "table", ...table.split(" ")];
    return await succeeds(() => run("nft", command, { maxOutputBytes }));
  }

  /**
   * Takes the table for ours, unless somebody else wrote into it meanwhile: then it is installed anew in the
   * next pass.
   */
  async function remember(before?: string): Promise<void> {
    structure = undefined;
    const text = await list();
    if (text === undefined) return;
    const found = parseListing(text).structure;
    const expected = countRules(renderRules(rules, { openings: current }));
    const counted = countRules(found);
    if (counted.size !== expected.size) return;
    for (const [chain, count] of expected) if (counted.get(chain) !== count) return;
    if (before !== undefined && withoutTenants(found) !== withoutTenants(before)) return;
    structure = found;
  }

  /** The openings without the tenants whose rules nft refuses. */
  async function acceptable(openings: Openings): Promise<Openings> {
    refused = new Map(
      [...refused].filter(([tenantId, text]) => {
        const opening = openings.get(tenantId);
        return opening && rulesOf(tenantId, opening) === text;
      }),
    );
    const next = new Map([...openings].filter(([tenantId]) => !refused.has(tenantId)));
    const script = changesTo(next);
    if (!changesRules(script) || await isLoadable(script)) return next;
    // That nft refuses even nothing is no tenant's fault.
    await run("nft", ["--check", "--file", "-"], { stdin: `add table ${table}\n` });
    for (const [tenantId, opening] of openings) {
      if (!next.has(tenantId)) continue;
      if (await isLoadable(changesTo(new Map([...current, [tenantId, opening]])))) continue;
      next.delete(tenantId);
      refused.set(tenantId, rulesOf(tenantId, opening));
    }
    return next;
  }

  async function install(openings: Openings): Promise<void> {
    structure = verified = asked = undefined;
    const text = await list();
    const there = text === undefined ? undefined : parseListing(text);
    const whole = renderRules(rules, { there, openings });
    // What nft refuses of a tenant must not keep the table away.
    const isWhole = openings.size === 0 || await isLoadable(whole);
    try {
      await load(isWhole ? whole : renderRules(rules, { there }));
    } catch (error) {
      if (!there || !isRefusal(error)) throw error;
      // Something of that name was made in another way, by hand or by another version.
      await load(
        `delete table ${table}\n${renderRules(rules, { openings: isWhole ? openings : closed })}`,
      );
    }
    current = isWhole ? openings : closed;
    if (isWhole) refused.clear();
    await remember();
    if (isWhole) asked = openings;
    else await open(openings);
  }

  async function open(openings: Openings): Promise<void> {
    if (openings === asked) return;
    const next = await acceptable(openings);
    const script = changesTo(next);
    if (script !== "") {
      verified = undefined;
      try {
        await load(script);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        // The table is not what it was; a member may have been taken out by hand.
        return await install(next);
      }
      current = next;
      // Where it is not ours already, it stays so until it is made anew.
      if (changesRules(script) && structure !== undefined) await remember(structure);
    }
    asked = openings;
  }

  return {
    get refused() {
      return new Set(refused.keys());
    },
    async isInstalled() {
      if (structure === undefined) return false;
      const text = await list();
      if (text === undefined) return false;
      if (text === verified) return true;
      const listing = parseListing(text);
      if (listing.structure !== structure) return false;
      if (!holds(listing, expectedElements(current))) return false;
      verified = text;
      return true;
    },
    install,
    open,
    async remove() {
      structure = verified = asked = undefined;
      // Declared first, so that deleting a table that is not there succeeds as well.
      await load(`add table ${table}\ndelete table ${table}\n`);
    },
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof ProcessError && error.failure === "exit";
}

/** Undefined where the program itself said no; every other failure passes through. */
async function succeeds(attempt: () => Promise<string>): Promise<string | undefined> {
  try {
    return await attempt();
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

function changesRules(script: string): boolean {
  return / (chain|rule|set) /.test(script);
}
