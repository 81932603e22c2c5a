import { type Clock, systemClock } from "./clock.ts";

export const logLevels = ["debug", "info", "warn", "error", "critical", "silent"] as const;
export type LogLevel = typeof logLevels[number];
export type LogFields = Record<string, unknown>;

/** Structured log: one JSON object a line on stdout. Pass facts as fields, never inside the message. */
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
  fields?: LogFields;
  clock?: Clock;
  /** Where a finished line goes; stdout unless told. */
  write?: (line: string) => void;
}

const encoder = new TextEncoder();

function writeToStdout(line: string): void {
  // Synchronous, so that the last words before an exit are not lost.
  Deno.stdout.writeSync(encoder.encode(line + "\n"));
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

export function createLogger(options: LoggerOptions): Logger {
  const { level, fields = {}, clock = systemClock, write = writeToStdout } = options;
  const threshold = logLevels.indexOf(level);
  const at = (name: Exclude<LogLevel, "silent">) => {
    const enabled = logLevels.indexOf(name) >= threshold;
    return (message: string, more: LogFields = {}) => {
      if (!enabled) return;
      const time = new Date(clock.now()).toISOString();
      write(JSON.stringify({ time, level: name, message, ...fields, ...more }));
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

/** A logger that says nothing, for tests. */
export const silentLogger: Logger = createLogger({ level: "silent" });
