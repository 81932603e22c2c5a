/**
 * Waits for some work, but no longer than told. The work itself goes on; what becomes of it then is nobody's affair.
 * For one who waits for what may well hang; where many wait for what nearly always comes, see patience.ts.
 *
 * @param bounds.ms how long at most
 * @param bounds.signal ends the wait as well
 * @param bounds.late what is thrown then
 */
export async function inTime<T>(
  work: Promise<T>,
  { ms, signal, late }: { ms: number; signal?: AbortSignal | undefined; late: () => Error },
): Promise<T> {
  const ended = Promise.withResolvers<never>();
  const end = () => ended.reject(late());
  const timer = setTimeout(end, ms);
  signal?.addEventListener("abort", end);
  try {
    if (signal?.aborted) end();
    // A race has taken the failure of work that comes too late, so that it is nobody's unhandled rejection.
    return await Promise.race([work, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  }
}
