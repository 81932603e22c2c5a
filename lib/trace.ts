import { AsyncLocalStorage } from "node:async_hooks";

/** What one piece of work is known by wherever it is logged: here, in the daemon, and when its mail is sent. */
export interface Trace {
  requestId: string;
  /** 32 hexadecimal digits. https://www.w3.org/TR/trace-context/ */
  traceId: string;
  /** 16 hexadecimal digits: this process's part of it, the parent of what it asks of others. */
  spanId: string;
  sampled: boolean;
  /** Fields that are known only later, such as who is asking; asked when something is logged. */
  who?: () => Record<string, unknown>;
}

const storage = new AsyncLocalStorage<Trace>();

/** Runs something, and all that it awaits, as part of a trace. */
export function withTrace<T>(trace: Trace, act: () => T): T {
  return storage.run(trace, act);
}

/** Of the request or mail that is worked on here; undefined outside of any. */
export function currentTrace(): Trace | undefined {
  return storage.getStore();
}

/** An id that cannot confuse a log or a header. */
export const acceptableRequestId = /^[A-Za-z0-9._-]{8,64}$/;

/** Version, trace id, parent id and flags; of a later version these, and more. */
const traceparent =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-((?!0{16})[0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * The trace that a caller says he is part of, or a new one where he says nothing that can be read.
 * @returns with the span of the caller's, where he named one
 */
export function continueTrace(
  offered: string | undefined,
): Omit<Trace, "requestId"> & { parentId?: string } {
  const spanId = hex(8);
  const [, version, traceId, parentId, flags = "", more] =
    (offered === undefined ? null : traceparent.exec(offered)) ?? [];
  if (!traceId || !parentId || (version === "00" && more !== undefined)) {
    return { traceId: hex(16), spanId, sampled: false };
  }
  return { traceId, spanId, parentId, sampled: (parseInt(flags, 16) & 1) === 1 };
}

/** The trace of something that was put aside, taken up again later or in another process. */
export function resumeTrace(
  kept: { requestId: string; traceId: string; spanId: string | null },
): Trace {
  return { ...kept, spanId: kept.spanId ?? hex(8), sampled: false };
}

/** What another process of ours is sent, so that it logs under the same ids. */
export function traceHeaders(trace = currentTrace()): Record<string, string> {
  if (!trace) return {};
  const { requestId, traceId, spanId, sampled } = trace;
  return {
    "X-Request-ID": requestId,
    "traceparent": `00-${traceId}-${spanId}-${sampled ? "01" : "00"}`,
  };
}

/** Ids are no secrets; drawn in bulk, because each draw asks the system. */
const pool = new Uint8Array(4096);
let drawn = pool.length;

function hex(bytes: number): string {
  if (drawn + bytes > pool.length) {
    crypto.getRandomValues(pool);
    drawn = 0;
  }
  const text = pool.subarray(drawn, drawn += bytes).toHex();
  // All zeros would say that there is none.
  return /^0+$/.test(text) ? hex(bytes) : text;
}
