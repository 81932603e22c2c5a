import type { PeerIdentity } from "./lookups.ts";

/** The longest that an answer may be older than the database, in ms. */
export const maxAgeMs = 1000;

/** Remembers for a moment which peer holds a tunnel address; that none holds it is remembered as well. */
export interface PeerCache {
  find(address: string): Promise<PeerIdentity | undefined>;
  /** Something changed: nothing that was asked before counts any more. */
  clear(): void;
}

/**
 * Answers from memory what was asked within the last second. A notification clears it at once; its loss costs
 * no more than that second.
 * @param now milliseconds that only count up
 */
export function createPeerCache(
  lookup: (address: string) => Promise<PeerIdentity | undefined>,
  now: () => number = () => performance.now(),
): PeerCache {
  let answers = new Map<string, { askedAt: number; answer: Promise<PeerIdentity | undefined> }>();
  return {
    find(address) {
      const askedAt = now();
      const known = answers.get(address);
      if (known && askedAt - known.askedAt < maxAgeMs) return known.answer;
      // The age counts from the question, so that a slow answer is not fresh when it comes.
      const answer = lookup(address);
      answers.set(address, { askedAt, answer });
      const mine = answers;
      answer.catch(() => {
        if (mine.get(address)?.answer === answer) mine.delete(address);
      });
      return answer;
    },
    clear() {
      // A new map: what is still being asked lands in the old one, which nobody reads any more.
      answers = new Map();
    },
  };
}
