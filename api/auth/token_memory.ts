/** What a signature vouched for. Times in seconds since the Unix epoch. */
interface Remembered<Subject> {
  subject: Subject;
  from: number;
  until: number;
}

/** Tokens of one kind in one process: some 3 MB. */
const most = 4096;

/**
 * Tokens whose signature was found good, or which this process signed itself, by their whole text. The keys of a
 * process never change, so the same text is as good the next time: what has to be asked anew is the time, here, and
 * the session, of the database, with every request (A1). What was refused is not remembered, so nobody without a good
 * token gets in here.
 */
export function createTokenMemory<Subject>(size: number = most) {
  const tokens = new Map<string, Remembered<Subject>>();
  return {
    /** @param now in seconds since the Unix epoch */
    find(token: string, now: number): Subject | undefined {
      const found = tokens.get(token);
      if (!found) return undefined;
      if (now >= found.from && now < found.until) return found.subject;
      tokens.delete(token);
      return undefined;
    },
    add(token: string, remembered: Remembered<Subject>): void {
      tokens.set(token, remembered);
      for (const oldest of tokens.keys()) {
        if (tokens.size <= size) break;
        tokens.delete(oldest);
      }
    },
    /** For one that is of use once. */
    forget(token: string): void {
      tokens.delete(token);
    },
    get size() {
      return tokens.size;
    },
  };
}
