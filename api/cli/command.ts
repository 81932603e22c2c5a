import type { ParseArgsConfig } from "node:util";
import { CliError } from "./error.ts";
import type { OperatorApi } from "./operator.ts";

export type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

/** One command: what it takes, and how its answer reads. */
export interface Command {
  usage: string;
  summary: string;
  options: NonNullable<ParseArgsConfig["options"]>;
  run(call: { api: OperatorApi; values: Values; positionals: string[] }): Promise<{
    /** What the API answered, for `--json`. */
    answer: unknown;
    /** The same for a person. */
    text: string;
    /** True where it did not come to what was asked for, though the API answered. */
    failed?: boolean;
  }>;
}

/** The value of an option that must be there. */
export function required(values: Values, name: string): string {
  const value = values[name];
  if (typeof value !== "string" || value === "") throw new CliError(`--${name} is missing`, 2);
  return value;
}

/** The value of an option, where it was given. */
export function optional(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** The one thing that a command is about. @throws {CliError} asking for it, where there is none or more */
export function theOne(positionals: string[], asking: string): string {
  const [one, ...more] = positionals;
  if (!one || more.length > 0) throw new CliError(asking, 2);
  return one;
}

/** A gateway as `gateway:list` numbers them. */
export function gatewayNumber(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new CliError("name one gateway by its number", 2);
  return Number(text);
}

/** The choice of `--gateway`, where it was given. */
export function gatewayOption(values: Values): { gateway_id?: number } {
  const text = optional(values, "gateway");
  return text === undefined ? {} : { gateway_id: gatewayNumber(text) };
}

/** Rows under their headings, columns aligned. */
export function table(headings: string[], rows: string[][]): string {
  const all = [headings, ...rows];
  const widths = headings.map((_, column) =>
    Math.max(...all.map((row) => row[column]?.length ?? 0))
  );
  return all.map((row) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd()
  ).join("\n");
}

/** What took peers off the interface, and whether the daemon has proven it. */
export function said(what: string, done: string, { removed }: { removed: boolean }): string {
  return removed
    ? `${what} is ${done}, and its peers are off the interface`
    : `${what} is ${done}, but the daemon has not confirmed yet that its peers are off the interface`;
}
