import { hash, verify } from "@node-rs/argon2";
import { ApiError } from "../errors.ts";
import type { Argon2Parameters } from "./argon2.ts";
import { type Bcrypt, bcryptHash } from "./bcrypt.ts";
import { normalisedPassword } from "./password_rules.ts";

export interface PasswordHasher {
  /** @throws {ApiError} `overloaded` when too many wait already */
  hash(password: string): Promise<string>;
  /**
   * Compares a password with a hash, Argon2id or an imported bcrypt; for `null`, where there is no account, it does
   * the same work against a hash that no password has, and answers false.
   * @throws {ApiError} `overloaded` when too many wait already
   */
  verify(stored: string | null, password: string): Promise<boolean>;
  /** True for a hash of other parameters than those of today, and for every bcrypt. */
  isOutdated(stored: string): boolean;
  readonly stats: {
    running: number;
    waiting: number;
    hashes: number;
    /** Since the start: seconds that hashes waited for their turn, and how many were refused. */
    waitedSeconds: number;
    refused: number;
    /** The longest that a comparison took, without its wait, in ms. */
    slowestMs: number;
  };
}

interface HasherOptions {
  /** Hashes at the same time. */
  concurrency: number;
  /** How many may wait beyond that. */
  queue: number;
  parameters: Argon2Parameters;
  bcrypt: Bcrypt;
  /** Asked when the turn of a hash has come; throws where it would be in vain. */
  demand?: () => void;
}

/** A bounded queue before the hashes: each takes 19 MiB and more, so what cannot run soon is refused, not piled up. */
export async function createPasswordHasher(options: HasherOptions): Promise<PasswordHasher> {
  const { parameters, bcrypt } = options;
  const waiting: (() => void)[] = [];
  let running = 0;
  let hashes = 0;
  let waitedMs = 0;
  let refused = 0;
  let slowestMs = 0;

  async function bounded<T>(work: () => Promise<T>): Promise<T> {
    if (running >= options.concurrency) {
      if (waiting.length >= options.queue) {
        refused++;
        throw new ApiError("overloaded", { retryAfter: 2 });
      }
      const since = performance.now();
      await new Promise<void>((resolve) => waiting.push(resolve));
      waitedMs += performance.now() - since;
    } else {
      running++;
    }
    try {
      options.demand?.();
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
  const hashNow = (password: string) => hash(normalisedPassword(password), parameters);
  const nobody = await hashNow(crypto.randomUUID());

  async function compare(stored: string, password: string): Promise<boolean> {
    const started = performance.now();
    // What made a bcrypt hash saw the password as it was typed.
    const matches = bcryptHash.test(stored)
      ? await bcrypt.verify(stored, password)
      : await verify(stored, normalisedPassword(password));
    slowestMs = Math.max(slowestMs, performance.now() - started);
    return matches;
  }

  const { memoryCost, timeCost, parallelism } = parameters;
  const current = `$argon2id$v=19$m=${memoryCost},t=${timeCost},p=${parallelism}$`;

  return {
    hash: (password) => bounded(() => hashNow(password)),
    async verify(stored, password) {
      const matches = await bounded(() => compare(stored ?? nobody, password));
      return stored !== null && matches;
    },
    isOutdated: (stored) => !stored.startsWith(current),
    get stats() {
      return {
        running,
        waiting: waiting.length,
        hashes,
        slowestMs,
        waitedSeconds: waitedMs / 1000,
        refused,
      };
    },
  };
}
