/** A worker took too long, failed to start, or threw; what it was given is not told. */
export class WorkerFailure extends Error {
  override name = "WorkerFailure";
}

export interface WorkerPool<Question, Answer> {
  /** Asks a worker that has nothing else to do. @throws {WorkerFailure} */
  run(question: Question): Promise<Answer>;
  readonly stats: { workers: number };
  close(): void;
}

interface WorkerPoolOptions<Answer> {
  /** Workers at the same time; a question beyond that waits. */
  size: number;
  /** How long one may take over a question, its start included, before it is ended. */
  timeoutMs: number;
  /** How long one with nothing to do is kept. */
  idleMs: number;
  /** What comes back from a worker is unknown until it was looked at. */
  parse(data: unknown): Answer;
}

/**
 * Threads for what would hold the event loop up for long: started when first asked, ended when not asked again,
 * so that neither the start of a process nor its memory pays for them. A worker answers each message with one.
 */
export function createWorkerPool<Question, Answer>(
  module: URL,
  options: WorkerPoolOptions<Answer>,
): WorkerPool<Question, Answer> {
  const idle = new Map<Worker, ReturnType<typeof setTimeout>>();
  /** Every worker, and how to say that what it was asked will not be answered. */
  const alive = new Map<Worker, (reason: string) => void>();
  const waiting: (() => void)[] = [];
  let running = 0;

  function end(worker: Worker): void {
    clearTimeout(idle.get(worker));
    idle.delete(worker);
    alive.delete(worker);
    worker.terminate();
  }

  function take(): Worker {
    for (const [worker, timer] of idle) {
      clearTimeout(timer);
      idle.delete(worker);
      return worker;
    }
    return new Worker(module, { type: "module" });
  }

  function ask(question: Question): Promise<Answer> {
    const worker = take();
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => {
        clearTimeout(timer);
        end(worker);
        reject(new WorkerFailure(reason));
      };
      alive.set(worker, fail);
      const timer = setTimeout(() => fail("the worker took too long"), options.timeoutMs);
      worker.onerror = (event) => {
        // Or the whole process ends with it.
        event.preventDefault();
        fail("the worker failed");
      };
      worker.onmessage = (event) => {
        clearTimeout(timer);
        idle.set(worker, setTimeout(() => end(worker), options.idleMs));
        try {
          resolve(options.parse(event.data));
        } catch (error) {
          reject(error);
        }
      };
      worker.postMessage(question);
    });
  }

  return {
    async run(question) {
      if (running >= options.size) await new Promise<void>((resolve) => waiting.push(resolve));
      else running++;
      try {
        return await ask(question);
      } finally {
        const next = waiting.shift();
        if (next) next();
        else running--;
      }
    },
    get stats() {
      return { workers: alive.size };
    },
    close() {
      for (const fail of [...alive.values()]) fail("the pool was closed");
    },
  };
}
