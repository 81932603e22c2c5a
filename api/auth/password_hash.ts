import { hash, verify } from "@node-rs/argon2";
import { ApiError } from "../errors.ts";

/** OWASP's first choice for Argon2id: 19 MiB, two passes, one lane. */
export const argon2Parameters = { memoryCost: 19456, timeCost: 2, parallelism: 1 } as const;

export interface PasswordHasher {
  /** @throws {ApiError} `overloaded` when too many wait already */
  hash(password: string): Promise<string>;
  /**
   * Compares a password with a hash in PHC form; for `null`, where there is no account, it does the same
   * work against a hash that no password has, and answers false.
   * @throws {ApiError} `overloaded` when too many wait already
   */
  verify(stored: string | null, password: string): Promise<boolean>;
  readonly stats: { running: number; waiting: number; hashes: number };
}

/**
 * A bounded queue before Argon2: each hash takes 19 MiB, so what cannot run soon is refused, not piled up.
 * @param options.concurrency hashes at the same time
 * @param options.queue how many may wait beyond that
 */
export async function createPasswordHasher(
  options: { concurrency: number; queue: number },
): Promise<PasswordHasher> {
  const waiting: (() => void)[] = [];
  let running = 0;
  let hashes = 0;

  async function bounded<T>(work: () => Promise<T>): Promise<T> {
    if (running >= options.concurrency) {
      if (waiting.length >= options.queue) throw new ApiError("overloaded", { retryAfter: 2 });
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else {
      running++;
    }
    try {
      hashes++;
      return await work();
    } finally {
      // The place goes straight to the next one, so that nobody slips in between.
      const next = waiting.shift();
      if (next) next();
      else running--;
    }
  }

  // Argon2id is the library's default; a test holds it to that.
  const hashNow = (password: string) => hash(password, argon2Parameters);
  const nobody = await hashNow(crypto.randomUUID());

  return {
    hash: (password) => bounded(() => hashNow(password)),
    async verify(stored, password) {
      const matches = await bounded(() => verify(stored ?? nobody, password));
      return stored !== null && matches;
    },
    get stats() {
      return { running, waiting: waiting.length, hashes };
    },
  };
}
