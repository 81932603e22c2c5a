import assert from "node:assert/strict";
import { testSecrets } from "./api.ts";
import { testPassword } from "./cluster.ts";
import { findLeaks } from "./leaks.ts";

Deno.test("findLeaks: finds what was planted, wherever it stands in a line, and shows it to nobody", async () => {
  const folder = await Deno.makeTempDir();
  const token = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.${"x".repeat(43)}`;
  const planted = [
    `{"error":"postgres://massacorp_api:${testPassword.reveal()}@localhost/x"}`,
    `{"key":"${testSecrets.ENCRYPTION_KEY}"}`,
    `{"path":"/reset?token=seeded-secret-1&x"}`,
    `Authorization: Bearer ${token}`,
    "PrivateKey = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",
  ];
  const innocent = ['{"message":"request","path":"/api/v1/auth/me"}', "", "PrivateKey = [secret]"];
  await Deno.writeTextFile(`${folder}/1.secrets`, "seeded-secret-1\nshort\n");
  await Deno.writeTextFile(`${folder}/2.output`, [...innocent, ...planted].join("\n") + "\n");
  const { leaks, lines } = await findLeaks(folder);
  assert.equal(lines, 8);
  assert.equal(leaks.length, planted.length, JSON.stringify(leaks));
  for (const { line } of leaks) {
    assert.match(line, /\[LEAKED\]/);
    assert.doesNotMatch(line, /seeded-secret-1|only-for-tests|aaaaaaa|eyJhb/);
  }
  await Deno.remove(folder, { recursive: true });
});
