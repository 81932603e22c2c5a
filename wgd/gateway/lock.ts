import { join } from "node:path";

/** Another daemon serves the interface, or the lock's folder is not usable. */
export class LockError extends Error {
  override name = "LockError";
}

/** Held until released, or until the process ends in whatever way. */
export type InterfaceLock = Disposable;

/**
 * Makes sure that one daemon serves an interface of this host, by a lock on `<folder>/<name>.lock`. The file
 * stays behind: removing it would let two daemons lock two files of one name.
 *
 * @throws {LockError} at once, never waiting
 */
export async function lockInterface(folder: string, name: string): Promise<InterfaceLock> {
  const path = join(folder, `${name}.lock`);
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { create: true, read: true, write: true, mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new LockError(`the folder ${folder} does not exist; make it, or set WGD_LOCK_FOLDER`);
  }
  if (!(await file.tryLock(true))) {
    file.close();
    throw new LockError(`another daemon serves ${name} on this host (it holds ${path})`);
  }
  return {
    [Symbol.dispose]() {
      file.unlockSync();
      file.close();
    },
  };
}
