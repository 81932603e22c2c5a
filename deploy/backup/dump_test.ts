import { deepEqual, rejects } from "node:assert/strict";
import { join } from "node:path";
import { testDatabase } from "../../tests/support/database.ts";
import { Secret } from "../../lib/secret.ts";
import { writePrograms } from "../../tests/support/write_programs.ts";
import { databaseDump, libpqEnv } from "./dump.ts";

Deno.test("databaseDump: refuses a pg_dump that is missing, or older or newer than the server, before the server is held up", async () => {
  await using db = await testDatabase();
  const folder = await Deno.makeTempDir({ prefix: "massacorp-pg-dump-" });
  try {
    let ended = false;
    const dump = () =>
      Array.fromAsync(databaseDump(db.url("massacorp_owner"), {
        path: folder,
        notes: {
          kind: "dump",
          server: "",
          architecture: "",
          migrations: [],
          start_lsn: "",
          stop_lsn: "",
        },
        atEnd: () => {
          ended = true;
          return Promise.resolve();
        },
      }));
    await rejects(dump(), {
      message: /the server is PostgreSQL 16[^:]*: needs pg_dump 16, and there is none/,
    });
    const says = (version: string) => `echo 'pg_dump (PostgreSQL) ${version}'`;
    const scripts: Record<string, string> = {
      "15.14": says("15.14 (Debian 15.14-0+deb12u1)"),
      "17.12": says("17.12"),
      "9.6.24": says("9.6.24"),
      // Debian's wrapper: the newest for a server that is named, the local one's for none.
      "18.1": `if [ -n "$PGHOST" ]; then ${says("18.1")}; else ${says("16.14")}; fi`,
    };
    for (const [version, script] of Object.entries(scripts)) {
      await writePrograms({ [join(folder, "pg_dump")]: `#!/bin/sh\n${script}\n` });
      await rejects(dump(), {
        message: new RegExp(
          `needs pg_dump 16, and here is ${
            parseInt(version)
          }; .* /usr/lib/postgresql/16/bin, .* first in PATH`,
        ),
      });
    }
    const held = await db.owner`
      select from pg_stat_activity where state = 'idle in transaction' and datname = current_database()`;
    deepEqual([ended, held.length], [false, 0]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("libpqEnv: a certificate that is verified is so by the host's own list, as the API does it", () => {
  const of = (query: string) => {
    const { PGSSLMODE, PGSSLROOTCERT } = libpqEnv(
      new Secret(`postgres://massacorp_owner:p@db.example.org/massacorp${query}`),
      "/usr/bin",
    );
    return [PGSSLMODE, PGSSLROOTCERT];
  };
  for (const mode of ["verify-full", "verify-ca"]) {
    deepEqual(of(`?sslmode=${mode}`), ["verify-full", "system"]);
  }
  // libpq refuses the list beside what does not verify.
  deepEqual(of("?sslmode=require"), ["require", undefined]);
  deepEqual(of(""), [undefined, undefined]);
});
