import { writeAll } from "../../lib/durable_file.ts";
import { CliError } from "./error.ts";

/** A file to be written once, which is not there unless it was. */
export interface OutFile extends AsyncDisposable {
  write(text: string): Promise<void>;
}

/**
 * Makes a new file that nobody else can read, before there is anything to write: what is shown only once must
 * not be lost to a full disk or a wrong path. Disposed of without a write, it is gone again.
 *
 * @throws {CliError} where it cannot be made, or is there already
 */
export async function newFile(path: string): Promise<OutFile> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path, { createNew: true, write: true, mode: 0o600 });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new CliError(`cannot create ${path} (${error.name})`);
  }
  let isWritten = false;
  return {
    async write(text) {
      await writeAll(file, new TextEncoder().encode(text));
      isWritten = true;
    },
    async [Symbol.asyncDispose]() {
      file.close();
      if (!isWritten) await Deno.remove(path);
    },
  };
}
