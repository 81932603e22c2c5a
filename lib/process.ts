import { Secret } from "./secret.ts";

export interface ProcessOptions {
  /** Text for its standard input, which is closed afterwards; nothing unless told. */
  stdin?: string | Secret<string>;
  /** Milliseconds after which it is killed; 5,000 unless told. */
  timeoutMs?: number;
  /** Bytes of standard output accepted before it is killed; 64 KiB unless told. */
  maxOutputBytes?: number;
}

/**
 * The process seam: runs a program to its end and answers its standard output. There is no shell and no
 * inherited environment, and arguments are visible to every user of the host: a secret goes by stdin.
 *
 * @throws {ProcessError} when it cannot start, fails, takes too long or says too much
 */
export type RunProcess = (
  program: string,
  args: readonly string[],
  options?: ProcessOptions,
) => Promise<string>;

export type ProcessFailure = "start" | "exit" | "timeout" | "output";

/** Why a program did not do its work. Its words are cut, and whatever looks like a key is blotted out. */
export class ProcessError extends Error {
  override name = "ProcessError";
  constructor(
    readonly program: string,
    readonly failure: ProcessFailure,
    readonly exitCode: number | null,
    readonly stderr: string,
  ) {
    super(`${program} ${describe[failure](exitCode)}${stderr ? `: ${stderr}` : ""}`);
  }

  /** The failure without the program's own words. */
  get summary(): string {
    return `${this.program} ${describe[this.failure](this.exitCode)}`;
  }
}

const describe: Record<ProcessFailure, (exitCode: number | null) => string> = {
  start: () => "could not be started",
  exit: (exitCode) => `failed with exit code ${exitCode}`,
  timeout: () => "did not answer in time and was killed",
  output: () => "wrote more than was expected and was killed",
};

/** Runs real processes. */
export const runProcess: RunProcess = async (program, args, options = {}) => {
  const { stdin, timeoutMs = 5_000, maxOutputBytes = 64 * 1024 } = options;
  let child: Deno.ChildProcess;
  try {
    child = new Deno.Command(program, {
      args: [...args],
      clearEnv: true,
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw new ProcessError(program, "start", null, error instanceof Error ? error.name : "");
  }
  let failure: ProcessFailure = "exit";
  const kill = (reason: ProcessFailure) => {
    if (failure === "exit") failure = reason;
    try {
      child.kill("SIGKILL");
    } catch {
      // It ended by itself in this very moment.
    }
  };
  // A process that hangs in the kernel does not even die of SIGKILL; waiting for it would hang the caller.
  const unkillable = Promise.withResolvers<undefined>();
  let timer = setTimeout(() => {
    kill("timeout");
    timer = setTimeout(() => unkillable.resolve(undefined), 1_000);
  }, timeoutMs);
  try {
    const finished = Promise.all([
      child.status,
      collect(child.stdout, maxOutputBytes, () => kill("output")),
      collect(child.stderr, maxStderrBytes),
      stdin === undefined
        ? undefined
        : feed(child.stdin, typeof stdin === "string" ? stdin : stdin.reveal()),
    ]);
    const outcome = await Promise.race([finished, unkillable.promise]);
    if (!outcome) throw new ProcessError(program, "timeout", null, "");
    const [status, stdout, stderr] = outcome;
    if (failure !== "exit" || !status.success) {
      throw new ProcessError(
        program,
        failure,
        failure === "exit" ? status.code : null,
        redact(stderr),
      );
    }
    return stdout;
  } finally {
    clearTimeout(timer);
  }
};

/** Runs real processes, and kills what takes longer than this, unless told otherwise of one. */
export function patient(timeoutMs: number): RunProcess {
  return (program, args, options) => runProcess(program, args, { timeoutMs, ...options });
}

const maxStderrBytes = 4096;

/** Reads to the end, keeping at most `limit` bytes. */
async function collect(
  stream: ReadableStream<Uint8Array>,
  limit: number,
  onTooMuch?: () => void,
): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let kept = 0;
  for await (const chunk of stream) {
    size += chunk.byteLength;
    if (size <= limit) {
      chunks.push(chunk);
      kept = size;
    } else onTooMuch?.();
  }
  // As one piece: of megabytes in pieces, the engine makes one text later, and holds both meanwhile.
  const all = new Uint8Array(kept);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return new TextDecoder().decode(all);
}

async function feed(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // It ended without reading everything; its exit code tells whether that was a failure.
  }
}

/** One line, no control characters, nothing that could be a key. */
export function redact(text: string): string {
  return text.trim()
    .replace(/[A-Za-z0-9+/_-]{40,}={0,2}/g, "[redacted]")
    .replace(/[\p{Cc}\s]+/gu, " ")
    .slice(0, 300);
}
