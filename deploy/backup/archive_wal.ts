import { loadArchiveConfig } from "./config.ts";
import { archiveWal } from "./wal_archive.ts";

/** For PostgreSQL's `archive_command`: archive_wal.ts FILE FOLDER. Only 0 lets the server give its own copy up. */
if (import.meta.main) {
  try {
    const [path, folder, ...more] = Deno.args;
    if (!path || !folder || more.length > 0) throw new TypeError("usage: archive_wal.ts %p FOLDER");
    await archiveWal(path, { folder, recipients: loadArchiveConfig().recipients });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    Deno.stderr.writeSync(new TextEncoder().encode(`archive-wal: ${said}\n`));
    Deno.exit(1);
  }
}
