import { z } from "zod";
import { createWorkerPool } from "../../lib/worker_pool.ts";

/** Hashes that other systems made: crypt(3)'s `$2a$`, `$2b$` and `$2y$` at the costs that are taken in. */
export const bcryptHash = /^\$2[aby]\$1[0-4]\$[./A-Za-z0-9]{53}$/;

/** bcrypt looks at no more bytes than these, so that whatever stands behind them would count for nothing. */
const longestBytes = 72;

export interface Bcrypt {
  /** False as well for a password that bcrypt would see the beginning of alone; it costs the same. */
  verify(hash: string, password: string): Promise<boolean>;
  close(): void;
}

/** @param options.concurrency comparisons at the same time, each in a thread of its own */
export function createBcrypt(options: { concurrency: number }): Bcrypt {
  const workers = createWorkerPool<{ hash: string; password: string }, boolean>(
    new URL("bcrypt_worker.ts", import.meta.url),
    {
      size: options.concurrency,
      timeoutMs: 30_000,
      idleMs: 10_000,
      parse: (data) => z.boolean().parse(data),
    },
  );
  return {
    async verify(hash, password) {
      const matches = await workers.run({ hash, password });
      return matches && new TextEncoder().encode(password).length <= longestBytes;
    },
    close: workers.close,
  };
}
