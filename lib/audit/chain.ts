import { sha256Hex } from "./canonical.ts";
import { type EntryRow, hashEntry } from "./entry.ts";

/** Stands before the first link of every chain. */
export const genesis = "0".repeat(64);

/** A link of a tenant's chain. Hashes are SHA-256 in hex, times as in {@link EntryRow}. */
export interface Seal {
  seq: number;
  entry_id: string;
  entry_at: string;
  entry_hash: string;
  sealed_at: string;
  hash: string;
}

/** The hash of a link: over its own fields and the hash of the link before it. */
export function hashLink(
  link: Omit<Seal, "hash"> & { tenant_id: number; previous: string },
): string {
  const { entry_at, entry_hash, entry_id, previous, sealed_at, seq, tenant_id } = link;
  // The names stand in their order already.
  return sha256Hex(
    JSON.stringify({ entry_at, entry_hash, entry_id, previous, sealed_at, seq, tenant_id }),
  );
}

/** A place in a chain. */
export interface Place {
  seq: number;
  hash: string;
}

/** What a signed checkpoint says of a tenant's chain. */
export interface Anchor extends Place {
  /** The last link that was dropped when its time was over; 0 and {@link genesis} where none was. */
  floor_seq: number;
  floor_hash: string;
  /** Entries older than this may be gone; null where none may. */
  cut: string | null;
}

/** A link with its entry, where that is still there. */
export interface SealedEntry extends Seal {
  entry: EntryRow | null;
}

export interface ChainFault {
  kind:
    /** The entry is not what was sealed. */
    | "altered"
    /** The entry was sealed and is not there. */
    | "missing"
    /** A link is not what the one before it leads to. */
    | "broken"
    /** Links are missing in the middle, or from the beginning. */
    | "gap"
    /** The chain ends before a place that it had reached. */
    | "truncated"
    /** The chain has another link at a place that is known. */
    | "rewritten";
  seq: number;
  entry_id: string | null;
}

export interface ChainReport {
  /** Links that were looked at. */
  links: number;
  /** Where the chain ends; null for an empty one. */
  end: Place | null;
  /** Entries whose time was over and that are gone, as announced. */
  dropped: number;
  /** Entries that were sealed more than a minute after the time they give: an insertion shows here, and an outage. */
  late: number;
  faults: ChainFault[];
  /** All of them; `faults` has the first hundred. */
  fault_count: number;
}

const mostFaults = 100;
const lateMs = 60_000;

/**
 * Recomputes a tenant's chain.
 *
 * @param links in their order, from `anchor.floor_seq` on (exclusive), in batches of any size
 * @param known.anchor what a checkpoint says; null where there is none yet
 * @param known.places other places that the chain must go through
 */
export async function verifyChain(
  tenant_id: number,
  links: AsyncIterable<readonly SealedEntry[]>,
  known: { anchor: Anchor | null; places?: readonly Place[] },
): Promise<ChainReport> {
  const { anchor } = known;
  const expected = [anchor, ...known.places ?? []].filter((place) => place !== null);
  const report: ChainReport = {
    links: 0,
    end: null,
    dropped: 0,
    late: 0,
    faults: [],
    fault_count: 0,
  };
  const fault = (kind: ChainFault["kind"], seq: number, entry_id: string | null = null) => {
    report.fault_count++;
    if (report.faults.length < mostFaults) report.faults.push({ kind, seq, entry_id });
  };
  let previous: Place = anchor
    ? { seq: anchor.floor_seq, hash: anchor.floor_hash }
    : { seq: 0, hash: genesis };
  for await (const batch of links) {
    for (const link of batch) {
      report.links++;
      if (link.seq !== previous.seq + 1) fault("gap", previous.seq + 1);
      // After a gap the link before it is not known, and only its absence is a fault.
      else if (hashLink({ ...link, tenant_id, previous: previous.hash }) !== link.hash) {
        fault("broken", link.seq, link.entry_id);
      }
      if (link.entry === null) {
        if (anchor?.cut && link.entry_at < anchor.cut) report.dropped++;
        else fault("missing", link.seq, link.entry_id);
      } else if (!isEntry(link, link.entry)) fault("altered", link.seq, link.entry_id);
      if (Date.parse(link.sealed_at) - Date.parse(link.entry_at) > lateMs) report.late++;
      if (expected.some(({ seq, hash }) => seq === link.seq && hash !== link.hash)) {
        fault("rewritten", link.seq, link.entry_id);
      }
      previous = report.end = { seq: link.seq, hash: link.hash };
    }
  }
  const furthest = Math.max(0, ...expected.map((place) => place.seq));
  if (previous.seq < furthest) fault("truncated", previous.seq + 1);
  return report;
}

function isEntry(link: Seal, entry: EntryRow): boolean {
  return entry.id === link.entry_id && entry.at === link.entry_at &&
    hashEntry(entry) === link.entry_hash;
}
