import { pauseFor } from "../../lib/pause.ts";
import type { Wg } from "./wg.ts";

/** Starts a program that outlives this process. */
export type SpawnDetached = (program: string, args: readonly string[]) => DetachedProcess;

export interface DetachedProcess {
  /** Settles when it is gone. */
  readonly exited: Promise<void>;
}

export class UserspaceError extends Error {
  override name = "UserspaceError";
}

/**
 * In a session of its own and with no pipe to this process: neither Ctrl-C on the terminal nor `kill -9` of
 * the daemon ends the tunnel.
 */
export const spawnDetached: SpawnDetached = (program, args) => {
  const child = new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: { LOG_LEVEL: "silent" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  return { exited: child.status.then(() => {}) };
};

/**
 * Makes the interface with wireguard-go, kept in the foreground so that its end is seen.
 * @throws {UserspaceError} when it ends at once or does not answer
 */
export async function createInUserspace(
  { name, wg, spawn, timeoutMs = 5_000 }: {
    name: string;
    wg: Wg;
    spawn: SpawnDetached;
    timeoutMs?: number;
  },
): Promise<void> {
  const end = new AbortController();
  spawn("wireguard-go", ["-f", name]).exited.then(() => end.abort());
  const deadline = performance.now() + timeoutMs;
  while (!end.signal.aborted && performance.now() < deadline) {
    try {
      await wg.dump();
      return;
    } catch {
      // Its control socket is not there yet.
      await pauseFor(5, end.signal);
    }
  }
  throw new UserspaceError(
    end.signal.aborted
      ? "wireguard-go ended at once; is /dev/net/tun there, and the interface name free in every namespace?"
      : `wireguard-go did not answer within ${timeoutMs / 1000} s`,
  );
}
