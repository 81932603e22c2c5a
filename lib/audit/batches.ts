/** Bytes of details that are read, and held in memory, at a time. One entry is, however long. */
const bytes = 128 * 1024;
const most = 200;
const least = 8;

/** What is asked for at a time. */
export interface Batch {
  limit: number;
  bytes: number;
}

/**
 * The next batch after one of which so many entries fitted. The database measures all that it is asked for: where
 * entries are long it is asked for about twice as many as fit, or it would measure most of them again and again.
 */
export function nextBatch(fitted = most): Batch {
  return { limit: Math.max(least, Math.min(most, 2 * fitted)), bytes };
}
