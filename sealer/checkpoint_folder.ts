import { join } from "node:path";
import {
  type Checkpoint,
  CheckpointError,
  checkpointLine,
  type Leaf,
  readCheckpoint,
} from "../lib/audit/checkpoint.ts";
import { syncFolder, writeAll } from "../lib/durable_file.ts";
import { sha256Hex } from "../lib/audit/canonical.ts";

/**
 * Where checkpoints are kept: one file a day (UTC), `2026-01-31.jsonl`, one line a checkpoint, only ever
 * appended to. The first line of a file names every chain, so that a file can be read without those before it.
 */
export interface CheckpointFolder {
  /** The newest line; null where there is none. */
  readonly last: { n: number; line: string } | null;
  /** What the checkpoints say of each tenant's chain, the newest word of each. */
  readonly leaves: ReadonlyMap<number, Leaf>;
  /** True where the line to be written begins a file, and has to name every chain. */
  beginsFile(at: Date): boolean;
  /** Appends a line. When this resolves, the disk has it. */
  append(checkpoint: Checkpoint): Promise<void>;
  close(): void;
}

const fileName = /^\d{4}-\d{2}-\d{2}\.jsonl$/;

/** Names of the files, oldest first. */
async function filesOf(folder: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of Deno.readDir(folder)) if (fileName.test(name)) names.push(name);
  return names.sort();
}

/**
 * Opens the folder to append, and locks it: one sealer a folder.
 * @throws {CheckpointError} when another sealer has it, or the newest file is not whole and signed by this key
 */
export async function openCheckpointFolder(
  folder: string,
  publicKey: string,
): Promise<CheckpointFolder> {
  const lock = await Deno.open(join(folder, "lock"), { create: true, write: true, mode: 0o600 });
  if (!(await lock.tryLock(true))) {
    lock.close();
    throw new CheckpointError(`another sealer writes to ${folder}`);
  }
  try {
    let newest = (await filesOf(folder)).at(-1);
    let last: CheckpointFolder["last"] = null;
    const leaves = new Map<number, Leaf>();
    while (newest !== undefined) {
      const path = join(folder, newest);
      await cutUnfinished(path);
      for await (const { checkpoint, line } of readFile(path, publicKey)) {
        last = { n: checkpoint.n, line };
        for (const leaf of checkpoint.leaves) leaves.set(leaf.tenant_id, leaf);
      }
      if (last) break;
      // Its first line was never finished: that is as if it had not been begun.
      await Deno.remove(path);
      newest = (await filesOf(folder)).at(-1);
    }
    return appendTo(folder, { last, leaves, newest, lock });
  } catch (error) {
    lock.close();
    throw error;
  }
}

function appendTo(
  folder: string,
  state: {
    last: CheckpointFolder["last"];
    leaves: Map<number, Leaf>;
    newest: string | undefined;
    lock: Deno.FsFile;
  },
): CheckpointFolder {
  // A clock that was set back does not go back to an older file.
  const nameAt = (at: Date) => {
    const today = `${at.toISOString().slice(0, 10)}.jsonl`;
    return state.newest !== undefined && state.newest > today ? state.newest : today;
  };
  return {
    get last() {
      return state.last;
    },
    leaves: state.leaves,
    beginsFile: (at) => nameAt(at) !== state.newest,
    async append(checkpoint) {
      const name = nameAt(new Date(checkpoint.at));
      const path = join(folder, name);
      const line = checkpointLine(checkpoint);
      {
        using file = await Deno.open(path, { append: true, create: true, mode: 0o600 });
        await appendWhole(file, new TextEncoder().encode(`${line}\n`));
      }
      if (name !== state.newest) await syncFolder(folder);
      state.newest = name;
      state.last = { n: checkpoint.n, line };
      for (const leaf of checkpoint.leaves) state.leaves.set(leaf.tenant_id, leaf);
    },
    close() {
      // By closing it alone, a process that was begun a moment ago would have it until it is another program.
      state.lock.unlockSync();
      state.lock.close();
    },
  };
}

/** Appends bytes and syncs them: all or none. */
export async function appendWhole(
  file: Pick<Deno.FsFile, "stat" | "write" | "syncData" | "truncate">,
  bytes: Uint8Array,
): Promise<void> {
  const { size } = await file.stat();
  try {
    await writeAll(file, bytes);
    await file.syncData();
  } catch (error) {
    // Half a line must not stand before the next one.
    await file.truncate(size);
    throw error;
  }
}

/** Takes away what a crash left of a line; it was never acknowledged to anybody. */
async function cutUnfinished(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  const whole = bytes.lastIndexOf(0x0a) + 1;
  if (whole < bytes.length) await Deno.truncate(path, whole);
}

/** Lines that end; what follows the last line feed is still being written. */
async function* wholeLines(path: string): AsyncGenerator<string> {
  let rest = "";
  const file = await Deno.open(path);
  for await (const text of file.readable.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}

/** The checkpoints of a file, each checked by itself and against the one before it. */
async function* readFile(
  path: string,
  publicKey: string,
): AsyncGenerator<{ checkpoint: Checkpoint; line: string }> {
  let before: { n: number; line: string } | undefined;
  let number = 0;
  for await (const line of wholeLines(path)) {
    number++;
    const checkpoint = await readCheckpoint(line, publicKey).catch((error) => {
      if (!(error instanceof CheckpointError)) throw error;
      throw new CheckpointError(`${path}, line ${number}: ${error.message}`);
    });
    if (
      before && (checkpoint.n !== before.n + 1 || checkpoint.previous !== sha256Hex(before.line))
    ) throw new CheckpointError(`${path}, line ${number}: does not follow the line before it`);
    before = { n: checkpoint.n, line };
    yield { checkpoint, line };
  }
}

/** What all files of a folder say together. */
export interface CheckpointHistory {
  first: number;
  last: number;
  /** When the newest was made. */
  at: string | null;
  leaves: Map<number, Leaf>;
  /** Why they are not to be believed, each with its file and line. */
  faults: string[];
}

/** Reads every checkpoint there is, and checks that none was changed, taken out, or put in. */
export async function readHistory(folder: string, publicKey: string): Promise<CheckpointHistory> {
  const history: CheckpointHistory = {
    first: 0,
    last: 0,
    at: null,
    leaves: new Map(),
    faults: [],
  };
  let previous: string | undefined;
  for (const name of await filesOf(folder)) {
    try {
      for await (const { checkpoint, line } of readFile(join(folder, name), publicKey)) {
        if (
          previous !== undefined &&
          (checkpoint.n !== history.last + 1 || checkpoint.previous !== sha256Hex(previous))
        ) {
          history.faults.push(`${name}: does not follow checkpoint ${history.last}`);
        }
        for (const leaf of checkpoint.leaves) {
          const known = history.leaves.get(leaf.tenant_id);
          if (known && (leaf.seq < known.seq || leaf.floor_seq < known.floor_seq)) {
            history.faults.push(
              `${name}: checkpoint ${checkpoint.n} goes back in tenant ${leaf.tenant_id}`,
            );
          }
          history.leaves.set(leaf.tenant_id, leaf);
        }
        if (history.first === 0) history.first = checkpoint.n;
        history.last = checkpoint.n;
        history.at = checkpoint.at;
        previous = line;
      }
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      history.faults.push(error.message);
    }
  }
  return history;
}
