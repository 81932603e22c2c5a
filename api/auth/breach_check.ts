import type { Logger } from "../../lib/log.ts";

/** Whether a password is among those of known breaches. */
export interface BreachCheck {
  /** False as well where nobody could be asked: a password is not refused because a server is away. */
  isBreached(normalised: string): Promise<boolean>;
}

export type BreachOutcome = "found" | "clean" | "failed";

interface BreachCheckOptions {
  /** Where the range service of Have I Been Pwned is, or a mirror of it. */
  endpoint: URL;
  timeoutMs: number;
  log: Logger;
  count(outcome: BreachOutcome): void;
}

/** A padded answer has some 50 KB. */
const mostBytes = 1024 * 1024;

/**
 * Asks by range: the first 20 bits of a SHA-1 go out, some hundred suffixes come back, and padding hides how many.
 * The one place where SHA-1 is used, because the service is keyed by it.
 * https://haveibeenpwned.com/API/v3#PwnedPasswords
 */
export function createBreachCheck(options: BreachCheckOptions): BreachCheck {
  const base = options.endpoint.href.replace(/\/$/, "");
  async function ask(normalised: string): Promise<BreachOutcome> {
    const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(normalised));
    const hex = new Uint8Array(digest).toHex().toUpperCase();
    const response = await fetch(`${base}/range/${hex.slice(0, 5)}`, {
      headers: { "Add-Padding": "true", "User-Agent": "MassaCorp" },
      redirect: "error",
      signal: AbortSignal.timeout(options.timeoutMs),
    });
    if (!response.ok) {
      await response.body?.cancel();
      throw new TypeError(`the answer is ${response.status}`);
    }
    return countOf(await bodyOf(response), hex.slice(5)) > 0 ? "found" : "clean";
  }
  return {
    async isBreached(normalised) {
      try {
        const outcome = await ask(normalised);
        options.count(outcome);
        return outcome === "found";
      } catch (error) {
        options.count("failed");
        // Its message may hold the URL, and that a piece of the hash.
        options.log.warn("a password was taken without asking for breaches", {
          error_name: error instanceof Error ? error.name : "unknown",
        });
        return false;
      }
    },
  };
}

async function bodyOf(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > mostBytes) throw new RangeError("the answer is too long");
    text += decoder.decode(chunk, { stream: true });
  }
  return text;
}

/** How often the suffix was seen; lines of padding have a count of 0. @throws {TypeError} for another kind of answer */
function countOf(text: string, suffix: string): number {
  let found = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line === "") continue;
    const [, name, count] = /^([0-9A-F]{35}):(\d{1,12})$/i.exec(line) ?? [];
    if (name === undefined) throw new TypeError("the answer is not of the range service");
    if (name.toUpperCase() === suffix) found = Number(count);
  }
  return found;
}
