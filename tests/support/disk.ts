import { outcomeOf, run } from "../../deploy/demo/run.ts";
import { until } from "./until.ts";

/** A small disk of a test's own, mounted on a folder. */
export interface TestDisk extends AsyncDisposable {
  /** Takes every free byte of it. */
  fill(): Promise<void>;
  /** Gives back what `fill` took. */
  makeRoom(): Promise<void>;
  /** Lets nobody change anything on it, or lets them again. */
  readOnly(on: boolean): Promise<void>;
}

/** @param folder is made */
export async function smallDisk(folder: string, { kilobytes }: { kilobytes: number }) {
  await Deno.mkdir(folder, { mode: 0o700 });
  await run(["mount", "-t", "tmpfs", "-o", `size=${kilobytes}k,mode=0700`, "tmpfs", folder]);
  return mounted(folder);
}

/** A disk that can lose what was never synced to it. */
export interface LosingDisk extends TestDisk {
  /** What a power cut would leave at this very moment, for `mountImage`. */
  imageNow(): Promise<string>;
}

/**
 * An ext4 in a file, which of its own accord brings nothing to it for ten minutes.
 * @param folder is made; the images lie beside it
 */
export async function losingDisk(folder: string): Promise<LosingDisk> {
  const image = `${folder}.image`;
  using file = await Deno.open(image, { write: true, createNew: true });
  await file.truncate(16 * 1024 * 1024);
  await run(["mkfs.ext4", "-q", "-m", "0", image]);
  let images = 0;
  return {
    ...await mountImage(folder, image),
    async imageNow() {
      const copy = `${image}.${++images}`;
      await Deno.copyFile(image, copy);
      return copy;
    },
  };
}

/** @param folder is made where it is missing */
export async function mountImage(folder: string, image: string): Promise<TestDisk> {
  await Deno.mkdir(folder, { mode: 0o700, recursive: true });
  await run(["mount", "-o", "loop,commit=600", image, folder]);
  return mounted(folder);
}

function mounted(folder: string): TestDisk {
  const filler = `${folder}/filler`;
  return {
    async fill() {
      using file = await Deno.open(filler, { append: true, create: true });
      for (const size of [65_536, 4096, 1]) {
        try {
          for (;;) await file.write(new Uint8Array(size));
        } catch (error) {
          if (!/No space left/.test(String(error))) throw error;
        }
      }
      await file.sync();
    },
    makeRoom: () => Deno.remove(filler),
    // It is busy for as long as somebody has a file open.
    readOnly: async (on) => {
      await until("it is mounted so", async () => {
        return (await outcomeOf(["mount", "-o", `remount,${on ? "ro" : "rw"}`, folder])).success;
      });
    },
    // Whoever uses it may end later than it.
    [Symbol.asyncDispose]: async () => void await run(["umount", "--lazy", folder]),
  };
}
