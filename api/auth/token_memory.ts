import type { AccessToken } from "./tokens.ts";

/** What a signature vouched for. Times in seconds since the Unix epoch. */
interface Remembered {
  subject: AccessToken;
  from: number;
  until: number;
}

/** Tokens of one process: some 3 MB. */
const most = 4096;

/**
 * Access tokens whose signature was found good, by their whole text. The keys of a process never change, so the
 * same text is as good the next time: what has to be asked anew is the time, here, and the session, of the
 * database, with every request (A1). What was refused is not remembered, so nobody without a good token gets in here.
 */
export function createTokenMemory(size: number = most) {
  const tokens = new Map<string, Remembered>();
  return {
    /** @param now in seconds since the Unix epoch */
    find(token: string, now: number): AccessToken | undefined {
      const found = tokens.get(token);
      if (!found) return undefined;
      if (now >= found.from && now < found.until) return found.subject;
      tokens.delete(token);
      return undefined;
    },
    add(token: string, remembered: Remembered): void {
      tokens.set(token, remembered);
      for (const oldest of tokens.keys()) {
        if (tokens.size <= size) break;
        tokens.delete(oldest);
      }
    },
    get size() {
      return tokens.size;
    },
  };
}
