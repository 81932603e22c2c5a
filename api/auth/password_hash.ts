import { hash, verify } from "@node-rs/argon2";
import { createTurns, type Party } from "../../lib/turns.ts";
import { ApiError } from "../errors.ts";
import type { Argon2Parameters } from "./argon2.ts";
import { type Bcrypt, bcryptHash } from "./bcrypt.ts";
import { normalisedPassword } from "./password_rules.ts";

export interface PasswordHasher {
  /**
   * @param of the tenant in whose turn it is made
   * @throws {ApiError} `overloaded` when too many wait already
   */
  hash(password: string, of: Party): Promise<string>;
  /**
   * Compares a password with a hash, Argon2id or an imported bcrypt; for `null`, where there is no account, it does
   * the same work against a hash that no password has, and answers false.
   * @param of the tenant in whose turn it is done
   * @throws {ApiError} `overloaded` when too many wait already
   */
  verify(stored: string | null, password: string, of: Party): Promise<boolean>;
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

interface Waiter {
  run: () => void;
  refuse: () => void;
}

/**
 * A bounded queue before the hashes: each takes 19 MiB and more, so what cannot run soon is refused, not piled up.
 * Tenants take turns in it, and in a full one the newest of whoever has most in it makes room for the others.
 */
export async function createPasswordHasher(options: HasherOptions): Promise<PasswordHasher> {
  const { parameters, bcrypt } = options;
  const turns = createTurns<Waiter>(options.concurrency);
  let running = 0;
  let hashes = 0;
  let waitedMs = 0;
  let refused = 0;
  let slowestMs = 0;

  async function bounded<T>(of: Party, work: () => Promise<T>): Promise<T> {
    if (running >= options.concurrency) await turnOf(of);
    else {
      running++;
      turns.hold(of);
    }
    try {
      options.demand?.();
      hashes++;
      return await work();
    } finally {
      turns.release(of);
      // The place goes straight to the next one, so that nobody slips in between.
      const next = turns.next();
      if (next) next.run();
      else running--;
    }
  }

  async function turnOf(party: Party): Promise<void> {
    if (turns.waiting >= options.queue) {
      refused++;
      const displaced = turns.displace(party);
      if (!displaced) throw new ApiError("overloaded", { retryAfter: 2 });
      displaced.refuse();
    }
    const since = performance.now();
    await new Promise<void>((run, reject) =>
      turns.wait(party, {
        run,
        refuse: () => reject(new ApiError("overloaded", { retryAfter: 2 })),
      })
    );
    waitedMs += performance.now() - since;
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
    hash: (password, of) => bounded(of, () => hashNow(password)),
    async verify(stored, password, of) {
      const matches = await bounded(of, () => compare(stored ?? nobody, password));
      return stored !== null && matches;
    },
    isOutdated: (stored) => !stored.startsWith(current),
    get stats() {
      return {
        running,
        waiting: turns.waiting,
        hashes,
        slowestMs,
        waitedSeconds: waitedMs / 1000,
        refused,
      };
    },
  };
}
