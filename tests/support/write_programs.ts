import { run } from "../../deploy/demo/run.ts";

/**
 * Writes programs, by path. A process of its own does: what this one has open for writing, whatever another test file
 * starts in that moment has for a while, too, and what somebody could write nobody can run ("Text file busy").
 */
export async function writePrograms(texts: Readonly<Record<string, string>>): Promise<void> {
  const script = 'while [ $# -gt 0 ]; do printf %s "$2" > "$1"; chmod 755 "$1"; shift 2; done';
  await run(["sh", "-euc", script, "sh", ...Object.entries(texts).flat()]);
}
