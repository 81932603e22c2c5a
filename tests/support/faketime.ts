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
    },
    now: () => Date.now() + offset * 1000,
    set,
    async [Symbol.asyncDispose]() {
      await Deno.remove(folder, { recursive: true });
      await forgetDead();
    },
  };
}

/** Takes away what processes under libfaketime shared with their children, and left there when they were killed. */
async function forgetDead(): Promise<void> {
  for await (const { name } of Deno.readDir("/dev/shm")) {
    const pid = /^(?:sem\.faketime_sem|faketime_shm)_(\d+)$/.exec(name)?.[1];
    if (pid === undefined) continue;
    const lives = await Deno.stat(`/proc/${pid}`).then(() => true, () => false);
    // Another test may have done so a moment ago.
    if (!lives) await Deno.remove(`/dev/shm/${name}`).catch(() => {});
  }
}
