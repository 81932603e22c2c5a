import { z } from "zod";
import { lines } from "../../lib/lines.ts";
import { pauseFor } from "../../lib/pause.ts";
import type { Running } from "./supervise.ts";

export interface ChildOptions {
  argv: readonly string[];
  cwd: string;
  /** Its whole environment: nothing is inherited. */
  env: Record<string, string>;
  onLine: (line: string) => void;
  /** True once it does its work; asked again and again, and never believed of a dead process. */
  isReady: () => Promise<boolean>;
  /** Milliseconds until a child that is not ready counts as failed; 60,000 unless told. */
  readyTimeoutMs?: number;
  /** Milliseconds between SIGTERM and SIGKILL; 15,000 unless told. */
  stopTimeoutMs?: number;
  /** A line by which it says, once it was asked to end, that nothing is under way any more: it is killed then. */
  overWith?: RegExp;
}

/** A process did not come up; the message has its last words. */
export class ChildError extends Error {
  override name = "ChildError";
}

/** What Deno says at every start with permission sets; it would stand between the lines of a log for ever. */
const chatter = /^Warning Permissions in the config file is an experimental feature/;

/**
 * Starts a process in a session of its own, so that Ctrl-C in the terminal reaches the supervisor alone,
 * and waits until it is ready.
 *
 * @throws {ChildError} with its last words when it ends or hangs before that
 */
export async function startChild(options: ChildOptions, signal: AbortSignal): Promise<Running> {
  const [program = "", ...args] = options.argv;
  const child = new Deno.Command(program, {
    args,
    cwd: options.cwd,
    clearEnv: true,
    env: options.env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    detached: true,
  }).spawn();
  const lastWords: string[] = [];
  let stopping = false;
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of lines(stream)) {
      if (chatter.test(line)) continue;
      lastWords.push(line);
      if (lastWords.length > 15) lastWords.shift();
      options.onLine(line);
      if (stopping && options.overWith?.test(line)) child.kill("SIGKILL");
    }
  };
  const heard = Promise.all([listen(child.stdout), listen(child.stderr)]);
  let gone = false;
  const exited = child.status.then(async (status) => {
    gone = true;
    await heard;
    return status.signal ? `killed by ${status.signal}` : `exit code ${status.code}`;
  });
  const stop = async () => {
    stopping = true;
    if (!gone) child.kill("SIGTERM");
    const killer = setTimeout(() => {
      if (!gone) child.kill("SIGKILL");
    }, options.stopTimeoutMs ?? 15_000);
    await exited;
    clearTimeout(killer);
  };
  const deadline = Date.now() + (options.readyTimeoutMs ?? 60_000);
  for (;;) {
    const ready = await options.isReady();
    if (ready && !gone) return { exited, stop };
    const inTime = Date.now() < deadline;
    if (inTime && !gone && !signal.aborted) {
      await Promise.race([exited, pauseFor(25, signal)]);
      continue;
    }
    const why = gone ? await exited : inTime ? "was stopped" : "did not become ready in time";
    if (!gone) await stop();
    throw new ChildError([why, ...plainWords(lastWords)].join("\n  "));
  }
}

/** What went wrong, without the form of a log: where a child logged an error, that and nothing else. */
function plainWords(lines: readonly string[]): readonly string[] {
  const errors = lines.map(loggedError).filter((words) => words !== undefined);
  return errors.length > 0 ? errors : lines;
}

const errorLine = z.object({
  level: z.literal("error"),
  message: z.string(),
  error: z.string().optional(),
});

function loggedError(line: string): string | undefined {
  try {
    const { message, error } = errorLine.parse(JSON.parse(line));
    return error ?? message;
  } catch {
    return undefined;
  }
}
