/** Work that is done again and again: a round begins so long after the one before has ended. */
export interface Rounds {
  start(): void;
  /** No round begins any more; waits for the one that runs. */
  close(): Promise<void>;
}

/** @param work a round, which deals with its failures itself */
export function createRounds(work: () => Promise<unknown>, everyMs: number): Rounds {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  let running: Promise<void> | undefined;

  async function again(): Promise<void> {
    await work();
    if (closed) return;
    timer = setTimeout(begin, everyMs);
    Deno.unrefTimer(timer);
  }

  function begin(): void {
    running = again();
  }

  return {
    start: begin,
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
