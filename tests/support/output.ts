/** The folder in which a run of all tests keeps what processes say, and which secrets they must not say. */
export const outputVariable = "MASSACORP_TEST_OUTPUT";

const folder = Deno.env.get(outputVariable);
const open = (name: string) =>
  folder === undefined
    ? undefined
    : Deno.openSync(`${folder}/${Deno.pid}.${name}`, { create: true, append: true, mode: 0o600 });
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

/** From now on the run fails if this is in any output. */
export function seedSecret(secret: string): void {
  append("secrets", secret);
}
