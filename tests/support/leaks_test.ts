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
    "password=q83vEjRWeJ/+q83vEjRWeA==",
    `Authorization: Bearer ${token}`,
    "PrivateKey = aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=",
  ];
  const innocent = ['{"message":"request","path":"/api/v1/auth/me"}', "", "PrivateKey = [secret]"];
  await Deno.writeTextFile(
    `${folder}/1.secrets`,
    "seeded-secret-1\nshort\nq83vEjRWeJ/+q83vEjRWeA==\n",
  );
  await Deno.writeTextFile(`${folder}/2.output`, [...innocent, ...planted].join("\n") + "\n");
  const { leaks, lines } = await findLeaks(folder);
  assert.equal(lines, 9);
  assert.equal(leaks.length, planted.length, JSON.stringify(leaks));
  for (const { line } of leaks) {
    assert.match(line, /\[LEAKED\]/);
    assert.doesNotMatch(line, /seeded-secret-1|q83v|only-for-tests|aaaaaaa|eyJhb/);
  }
  await Deno.remove(folder, { recursive: true });
});

/** Starts a program of the product, by its entry or by the wrapper. */
const starts =
  /"(\.\/)?(api|wgd|sealer|api\/cli|deploy\/backup)\/main\.ts"|"massacorp"\), *\[|\[massacorp,|Command\((join\(projectFolder, "massacorp"\)|massacorp)/;

Deno.test("output: whatever of the tests starts a program of the product keeps what it says, where it is looked through", async () => {
  const tests = new URL("..", import.meta.url);
  const helpers: string[] = [];
  const without: string[] = [];
  async function look(folder: URL): Promise<void> {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory) await look(new URL(`${name}/`, folder));
      if (!name.endsWith(".ts") || name === "leaks_test.ts") continue;
      const text = await Deno.readTextFile(new URL(name, folder));
      if (!starts.test(text) || !/\.spawn\(|outcomeOf\(|\.output\(|shell\(/.test(text)) continue;
      const path = new URL(name, folder).pathname.slice(tests.pathname.length);
      helpers.push(path);
      if (
        !/\b(keptLines|keepAll|keepOutput)\b|\.output\("wgd/.test(text)
      ) {
        without.push(path);
      }
    }
  }
  await look(tests);
  assert.deepEqual(without, []);
  assert.deepEqual(
    ["support/api_process.ts", "support/stack.ts", "support/wgd.ts", "backup/restore_test.ts"]
      .filter((path) => !helpers.includes(path)),
    [],
  );
});
