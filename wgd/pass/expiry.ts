import type { DesiredPeer } from "../desired.ts";
import type { DesiredTable } from "../desired/table.ts";
import type { Seen } from "../seen/mod.ts";

/** Has peers looked at as soon as they expire, and successors at their deadline. */
export interface ExpiryWatch {
  /** To be called after every pass. */
  arm(): void;
  stop(): void;
}

/** How long an expiry waits for the rows of a pass: of one that is under way, and then of its own. */
const patienceMs = 200;
/** Longest sleep, so that a clock that jumps is noticed. */
const longestSleepMs = 60_000;

export function watchExpiries(
  { table, seen, look, hurry }: {
    table: DesiredTable;
    seen: Seen;
    /** Resolves when the pass is over. */
    look: (peerIds: readonly string[]) => Promise<unknown>;
    /** Makes the pass that is under way go on without the database. */
    hurry: () => void;
  },
): ExpiryWatch {
  let timer: number | NodeJS.Timeout | undefined;
  let stopped = false;

  function duePeers(): DesiredPeer[] {
    const now = seen.now();
    const expired = [...table.peers.values()].filter(({ id, active, expiresAt }) =>
      active && expiresAt !== null && expiresAt <= now && seen.verdicts.get(id)?.state !== "removed"
    );
    return [
      ...expired,
      ...table.waiting.filter(({ successor }) => successor && successor.deadline <= now),
    ];
  }

  async function expire(): Promise<void> {
    const due = new Set(duePeers().map(({ id }) => id));
    if (due.size === 0) return arm();
    // Passes that wait for the database, this one's own among them, must not keep an expired peer alive.
    const patience = setInterval(() => {
      if (duePeers().some(({ id }) => due.has(id))) hurry();
    }, patienceMs);
    await look([...due]);
    clearInterval(patience);
  }

  function arm(): void {
    clearTimeout(timer);
    if (stopped) return;
    const next = table.nextExpiry(seen.now());
    const wait = next === null ? longestSleepMs : next - seen.now();
    timer = setTimeout(expire, Math.min(Math.max(wait, 1), longestSleepMs));
  }

  return {
    arm,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
