import type { Secret } from "../../lib/secret.ts";

/** After this many failures of one account from one source within the window, the pair is locked. */
export const failuresUntilLock = 10;
export const lockWindowMs = 15 * 60_000;

/**
 * From so many failures of one account from all sources together within the window, the next attempt waits and has to
 * show work, and the owner is told. They never lock: whoever failed elsewhere would lock out the owner (A5).
 */
export const failuresUntilAlarm = 10;

/** From so many failures on, the next attempt of that pair has to show work, where the operator asks for it. */
export const failuresUntilProof = 3;

/** From so many failures on, the next attempt of that pair waits before anything is looked at. */
const failuresUntilDelay = 5;
const longestDelayMs = 2_000;

/**
 * How long an attempt waits after so many failures of its pair of account and source, in ms: 250, then twice as long
 * each time, at most 2 s. Once locked it is not looked at anyway, and takes the time that any failure takes.
 */
export function delayAfter(failures: number): number {
  if (failures < failuresUntilDelay || failures >= failuresUntilLock) return 0;
  return grown(failures - failuresUntilDelay);
}

/** The same after so many failures of an account from all sources together. */
export function delayAfterAnywhere(failures: number): number {
  return failures < failuresUntilAlarm ? 0 : grown(failures - failuresUntilAlarm);
}

function grown(times: number): number {
  return Math.min(250 * 2 ** times, longestDelayMs);
}

/**
 * Names a submitted identifier in the record of log-ins without storing it: HMAC-SHA-256 under a key that is
 * not in the database. Accounts that do not exist are counted the same way.
 * @param subkey 32 bytes
 */
export async function createIdentifierDigest(
  subkey: Secret<Uint8Array<ArrayBuffer>>,
): Promise<(identifier: string) => Promise<Uint8Array>> {
  const encoder = new TextEncoder();
  const key = await crypto.subtle.importKey(
    "raw",
    subkey.reveal(),
    { name: "HMAC", hash: "SHA-256" },
    false,
    ["sign"],
  );
  return async (identifier) =>
    new Uint8Array(await crypto.subtle.sign("HMAC", key, encoder.encode(identifier)));
}
