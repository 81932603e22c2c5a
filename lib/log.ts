import { type Clock, systemClock } from "./clock.ts";
import { prettyLine } from "./log_pretty.ts";
import { currentTrace } from "./trace.ts";

export const logLevels = ["debug", "info", "warn", "error", "critical", "silent"] as const;
export type LogLevel = typeof logLevels[number];
export const logFormats = ["auto", "json", "pretty"] as const;
export type LogFormat = typeof logFormats[number];
export type LogFields = Record<string, unknown>;

/**
 * Structured log: one JSON object a line on stdout. Pass facts as fields, never inside the message: together with
 * `level` and `service` it is what lines are found by, and there are as many of it as there are in the source.
 * Within a request each line has its ids by itself (`trace.ts`).
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** What somebody has to be woken for. */
  critical(message: string, fields?: LogFields): void;
  /** A logger that adds these fields to every line. */
  with(fields: LogFields): Logger;
}

interface LoggerOptions {
  level: LogLevel;
  /** `auto`, unless told: lines for people where stdout is a terminal, JSON for everything else. */
  format?: LogFormat;
  fields?: LogFields;
  clock?: Clock;
  /** Where a finished line goes; stdout unless told. */
  write?: (line: string) => void;
}

const encoder = new TextEncoder();

function writeToStdout(line: string): void {
  const bytes = encoder.encode(line + "\n");
  // Synchronous, so that the last words before an exit are not lost; a full pipe takes a part at a time.
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

/** An error as fields: its name, message and code; the stack only where debugging was asked for. */
export function errorFields(error: unknown, options: { stack?: boolean } = {}): LogFields {
  if (!(error instanceof Error)) return { error: String(error) };
  const code = "code" in error ? String(error.code) : undefined;
  return {
    error: error.message,
    error_name: error.name,
    ...(code === undefined ? {} : { error_code: code }),
    ...(options.stack ? { stack: error.stack } : {}),
  };
}

/** A logger of lines, of which each is one JSON object, or for a terminal one line of text. */
export function createLogger(options: LoggerOptions): Logger {
  const { level, format = "auto", fields = {}, clock = systemClock, write = writeToStdout } =
    options;
  const threshold = logLevels.indexOf(level);
  const isPretty = format === "pretty" ||
    (format === "auto" && write === writeToStdout && Deno.stdout.isTerminal());
  const render = isPretty ? prettyLine : jsonLine;
  const at = (name: Exclude<LogLevel, "silent">) => {
    const enabled = logLevels.indexOf(name) >= threshold;
    return (message: string, more: LogFields = {}) => {
      if (!enabled) return;
      const time = new Date(clock.now()).toISOString();
      const trace = currentTrace();
      const ids = trace &&
        { request_id: trace.requestId, trace_id: trace.traceId, ...trace.who?.() };
      write(render({ time, level: name, message, ...fields, ...ids, ...more }));
    };
  };
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    critical: at("critical"),
    with: (more) => createLogger({ ...options, fields: { ...fields, ...more } }),
  };
}

/** Longer than any line of ours; what a caller sent can be longer. */
const longestLine = 16_384;
const longestText = 1_000;

/** What JSON leaves as it is, and a terminal or a reader of lines may obey: C1, separators, bidi controls. */
const unsafe = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** One line, whatever is in the fields: nothing in it ends it, or moves a cursor. */
function jsonLine(line: LogFields): string {
  let text: string;
  try {
    text = JSON.stringify(line);
    if (text.length > longestLine) text = JSON.stringify(line, shortened);
    if (text.length > longestLine) throw new RangeError("the line is too long");
  } catch (error) {
    // A line that cannot be written must not fail the request that it is about.
    const { time, level, message } = line;
    text = JSON.stringify({ time, level, message, ...errorFields(error) });
  }
  return text.replace(unsafe, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function shortened(_: string, value: unknown): unknown {
  if (Array.isArray(value) && value.length > 20) return [...value.slice(0, 20), "…"];
  return typeof value === "string" && value.length > longestText
    ? `${value.slice(0, longestText)}… (${value.length} characters)`
    : value;
}

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = createLogger({ level: "silent" });
