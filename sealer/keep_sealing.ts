import type { Clock } from "../lib/clock.ts";
import { inTime } from "../lib/in_time.ts";
import { errorFields, type Logger } from "../lib/log.ts";
import { pauseFor } from "../lib/pause.ts";
import type { AuditSealer } from "./audit_sealer.ts";

const roundMs = 300;
const maintainMs = 3600_000;
/** An entry that waits longer than this is somebody's business. */
const patienceMs = 10_000;
const remindMs = 60_000;
/** A connection that answers nothing for so long is dead; the process ends, and a new one begins. */
const longestHangMs = 90_000;

/**
 * Seals until told to stop. What fails is tried again; where it goes on failing, the log says so as critical,
 * once a minute.
 *
 * @param options.pauseMs between two rounds where the first left nothing; 300 unless told
 * @param options.hangMs after which a connection that answers nothing is dead; 90 s unless told
 * @throws when the database neither answers nor refuses
 */
export async function keepSealing(
  sealer: AuditSealer,
  options: { clock: Clock; log: Logger; signal: AbortSignal; pauseMs?: number; hangMs?: number },
): Promise<void> {
  const { clock, log, signal, pauseMs = roundMs, hangMs = longestHangMs } = options;
  let maintainedAt = -Infinity;
  let wellAt = clock.now();
  let remindedAt = -Infinity;
  while (!signal.aborted) {
    let more = false;
    let failure: unknown;
    try {
      more = await bounded(sealer.round(), hangMs);
      wellAt = clock.now();
      if (sealer.state.leading && clock.now() - maintainedAt >= maintainMs) {
        await bounded(sealer.maintain(), hangMs);
        maintainedAt = clock.now();
      }
    } catch (error) {
      if (error instanceof HangError) throw error;
      failure = error;
      log.debug("a round of sealing failed", errorFields(error));
    }
    const { distrust } = sealer.state;
    const late = clock.now() - wellAt >= patienceMs;
    if ((late || distrust !== null) && clock.now() - remindedAt >= remindMs) {
      remindedAt = clock.now();
      log.critical(late ? "audit entries are not sealed" : "audit checkpoints are not signed", {
        ...(distrust === null ? {} : { reason: distrust }),
        ...(failure === undefined ? {} : errorFields(failure)),
      });
    }
    if (!more) await pauseFor(pauseMs, signal);
  }
}

class HangError extends Error {
  override name = "HangError";
}

function bounded<T>(work: Promise<T>, hangMs: number): Promise<T> {
  return inTime(work, { ms: hangMs, late: () => new HangError("the database hangs") });
}
