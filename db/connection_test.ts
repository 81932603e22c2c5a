import assert from "node:assert/strict";
import { testDatabase } from "../tests/support/database.ts";
import { connect } from "./connection.ts";

Deno.test("connect: times are read as they are, where the server writes them in its own way", async () => {
  await using db = await testDatabase();
  await db.superuser`alter database ${db.superuser(db.name)} set datestyle = 'German'`;
  const sql = connect(db.url("massacorp_api"), { max: 1, applicationName: "test" });
  try {
    const [row] = await sql`
      select timestamptz '2026-03-04 05:06:07Z' as at, (timestamptz '2026-03-04 05:06:07Z' at time zone 'UTC')::text as text`;
    assert.deepEqual({ ...row }, {
      at: new Date("2026-03-04T05:06:07Z"),
      text: "2026-03-04 05:06:07",
    });
  } finally {
    await sql.end();
  }
});
