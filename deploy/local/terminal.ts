import encodeQr from "qr";

/** A QR code of half blocks, two rows of modules a line: light modules are drawn, dark ones left out. */
/** Whoever asks how a command is called wants nothing done. */
export const asksForHelp = (args: readonly string[]): boolean =>
  args.includes("--help") || args.includes("-h");

export function drawQr(text: string, options: { colour: boolean }): string {
  const drawn = encodeQr(text, "ascii", { ecc: "low", border: 2 }).trimEnd();
  if (!options.colour) return drawn;
  // White on black, because on a light terminal the code would come out inverted.
  return drawn.split("\n").map((line) => `\x1b[97;40m${line}\x1b[0m`).join("\n");
}

/** What the supervisor has to say, apart from what its children log. */
export interface Terminal {
  /** A finished step with what came of it. */
  step(name: string, result: string): void;
  /** Text as it is. */
  say(text: string): void;
  /** One line of a child. */
  child(name: string, line: string): void;
}

const width = 12;

export function createTerminal(write: (text: string) => void = writeSync): Terminal {
  return {
    step: (name, result) => write(`${name.padEnd(width)} ${result}\n`),
    say: (text) => write(`${text}\n`),
    child: (name, line) => write(`${name.padEnd(width)} | ${line}\n`),
  };
}

const encoder = new TextEncoder();

function writeSync(text: string): void {
  const bytes = encoder.encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
  } catch {
    // The terminal is gone, or whoever read the pipe; what runs here goes on, and stops in order.
  }
}

/** What went wrong first, and then what went wrong while taking everything down again. */
export function faultsOf(error: unknown): string[] {
  if (error instanceof SuppressedError) {
    return [...faultsOf(error.suppressed), ...faultsOf(error.error)];
  }
  return [error instanceof Error ? error.message : String(error)];
}
