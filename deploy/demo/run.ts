import { DemoError } from "./steps.ts";

export interface RunOptions {
  stdin?: string;
  env?: Record<string, string>;
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** What a program did. */
export interface Outcome {
  success: boolean;
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program to its end; one that hangs for longer than 20 s, unless told otherwise, is ended. */
export async function outcomeOf(
  argv: readonly string[],
  options: RunOptions = {},
): Promise<Outcome> {
  const [program = "", ...args] = argv;
  const signals = [AbortSignal.timeout(options.timeoutMs ?? 20_000)];
  if (options.signal) signals.push(options.signal);
  const child = new Deno.Command(program, {
    args,
    stdin: options.stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(options.env ? { env: options.env } : {}),
    signal: AbortSignal.any(signals),
    // Ctrl-C is the caller's to handle: what it runs is to end in order, not all at once.
    detached: true,
  }).spawn();
  if (options.stdin !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(options.stdin));
    await writer.close();
  }
  const { success, code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, code, stdout: text(stdout), stderr: text(stderr) };
}

/** As outcomeOf. @returns its standard output @throws {DemoError} when it fails or hangs */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { success, code, stdout, stderr } = await outcomeOf(argv, options);
  options.signal?.throwIfAborted();
  if (!success) {
    throw new DemoError(`${argv.join(" ")} ended with exit code ${code}: ${stderr.trim()}`);
  }
  return stdout;
}
