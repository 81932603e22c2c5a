import { basename } from "node:path";

/** What a process and its threads take for the time, by libfaketime; the monotonic clock stays the machine's. */
export interface MovedClock extends AsyncDisposable {
  /** Of the process whose clock it is. */
  readonly env: Record<string, string>;
  /** What that process takes for now, in milliseconds since the Unix epoch. */
  now(): number;
  /** So many seconds from the machine's clock, at once and in the process that runs. */
  set(seconds: number): Promise<void>;
}

/** @throws where the program `faketime` is not installed */
export async function movedClock(): Promise<MovedClock> {
  // It knows where its library is. The one for threads: Deno has some.
  const { stdout } = await new Deno.Command("faketime", {
    args: ["-m", "-f", "+0", "printenv", "LD_PRELOAD"],
  }).output();
  const library = new TextDecoder().decode(stdout).trim();
  if (!basename(library).startsWith("libfaketime")) throw new Error(`no libfaketime: ${library}`);
  const folder = await Deno.makeTempDir({ prefix: "massacorp-clock-" });
  const file = `${folder}/offset`;
  let offset = 0;
  const set = async (seconds: number) => {
    // In one step: a reader of half a file would take it for no offset.
    await Deno.writeTextFile(`${file}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    await Deno.rename(`${file}.new`, file);
    offset = seconds;
  };
  await set(0);
  return {
    env: {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: file,
      // Read at every call, not every ten seconds.
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      NO_FAKE_STAT: "1",
      // Nothing is left behind by a kill.
      FAKETIME_DISABLE_SHM: "1",
    },
    now: () => Date.now() + offset * 1000,
    set,
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}
