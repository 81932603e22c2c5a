import { join } from "node:path";
import { lines } from "../../lib/lines.ts";

/** The folder in which a run of all tests keeps what processes say, and which secrets they must not say. */
export const outputVariable = "MASSACORP_TEST_OUTPUT";

const folder = Deno.env.get(outputVariable);
const open = (name: string) =>
  folder === undefined
    ? undefined
    : Deno.openSync(`${folder}/${Deno.pid}.${name}`, { create: true, append: true, mode: 0o600 });
export const outputIsKept = folder !== undefined;
const files = { output: open("output"), secrets: open("secrets") };
const encoder = new TextEncoder();

function append(name: keyof typeof files, line: string): void {
  // One write a line, appended: many threads and processes may have the file.
  files[name]?.writeSync(encoder.encode(`${line}\n`));
}

/** A line that a process of the product wrote, or would have written to its log. */
export function keepOutput(line: string): string {
  append("output", line);
  return line;
}

/** The lines of a process of the product, as they come. */
export async function* keptLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  for await (const line of lines(stream)) yield keepOutput(line);
}

/** All that a process of the product said, where it has ended. */
export function keepAll(...texts: readonly string[]): void {
  for (const text of texts) for (const line of text.split("\n")) keepOutput(line);
}

/** From now on the run fails if this is in any output. */
export function seedSecret(secret: string): void {
  append("secrets", secret);
}

/** The same of what lies in a folder of secrets: each file's first line, and of a URL its password. */
export async function seedSecretsBelow(folder: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) await seedSecretsBelow(path);
    else seedSecret(secretOf(await Deno.readTextFile(path)));
  }
}

/** What is secret of a file of secrets. */
export function secretOf(text: string): string {
  const [line = ""] = text.split("\n");
  return /^\w+:\/\/[^:]*:([^@]+)@/.exec(line)?.[1] ?? line;
}
