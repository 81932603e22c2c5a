import { z } from "zod";
import { createWorkerPool, WorkerFailure } from "../../lib/worker_pool.ts";
import { ApiError } from "../errors.ts";

const judgement = z.object({ guessesLog10: z.number(), listed: z.boolean() });

/** How well a password withstands guessing, as zxcvbn judges it. */
export type Strength = z.infer<typeof judgement>;

export interface PasswordStrength {
  /**
   * @param words what is likely in this very password: names of the user and of the tenant
   * @throws {ApiError} `overloaded` where it can't be judged; it is not let through unjudged
   */
  judge(password: string, words: readonly string[]): Promise<Strength>;
  close(): void;
}

/** How many may wait for a judgement. */
const mostWaiting = 32;

/** One thread judges; it starts with the first password, and ends when there was none for a while. */
export function createPasswordStrength(): PasswordStrength {
  const workers = createWorkerPool<{ password: string; words: readonly string[] }, Strength>(
    new URL("strength_worker.ts", import.meta.url),
    { size: 1, timeoutMs: 15_000, idleMs: 15_000, parse: (data) => judgement.parse(data) },
  );
  let waiting = 0;
  return {
    async judge(password, words) {
      if (waiting >= mostWaiting) throw new ApiError("overloaded", { retryAfter: 2 });
      waiting++;
      try {
        return await workers.run({ password, words });
      } catch (cause) {
        if (!(cause instanceof WorkerFailure)) throw cause;
        throw new ApiError("overloaded", { retryAfter: 2, cause });
      } finally {
        waiting--;
      }
    },
    close: workers.close,
  };
}
