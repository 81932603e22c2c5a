import { createHash } from "node:crypto";
import { z } from "zod";
import type { Entry } from "./tar.ts";

const digest = z.string().regex(/^[0-9a-f]{64}$/);

/** The last entry of an archive: what is in it, and what it was made of. */
export const manifestSchema = z.object({
  format: z.literal(1),
  /** Of MassaCorp. */
  version: z.string(),
  created_at: z.iso.datetime(),
  database: z.object({
    /** Files of the data folder with their WAL, or what pg_dump wrote. */
    kind: z.enum(["files", "dump"]),
    server: z.string(),
    architecture: z.string(),
    /** Every migration that it has, in order. */
    migrations: z.array(z.string()),
    start_lsn: z.string(),
    stop_lsn: z.string(),
    /** The segment of WAL that it begins with; backups of before this was noted have none, as those by pg_dump. */
    start_wal: z.string().optional(),
  }),
  files: z.array(z.object({ path: z.string(), size: z.int(), sha256: digest })),
});
export type Manifest = z.infer<typeof manifestSchema>;

export const manifestPath = "manifest.json";

/** Notes size and SHA-256 of each file that passes. */
export async function* noting(
  entries: AsyncIterable<Entry>,
  files: Manifest["files"],
): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    const hash = createHash("sha256");
    const { content } = entry;
    yield {
      ...entry,
      content: (async function* () {
        for await (const part of content) {
          hash.update(part);
          yield part;
        }
      })(),
    };
    if (!entry.folder) {
      files.push({ path: entry.path, size: entry.size, sha256: hash.digest("hex") });
    }
  }
}

/** The manifest as an entry. */
export function manifestEntry(manifest: Manifest): Entry {
  return textEntry(manifestPath, JSON.stringify(manifest));
}

export function textEntry(
  path: string,
  text: string,
  owner: { uid: number; gid: number } = { uid: 0, gid: 0 },
): Entry {
  const bytes = new TextEncoder().encode(text);
  return {
    path,
    folder: false,
    size: bytes.length,
    mode: 0o600,
    ...owner,
    content: (async function* () {
      yield await Promise.resolve(bytes);
    })(),
  };
}
