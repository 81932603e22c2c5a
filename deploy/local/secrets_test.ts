import { equal, match, notEqual } from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolder } from "../../tests/support/temporary_folder.ts";
import { secretFile, writeSecretFile } from "./secrets.ts";

Deno.test("secretFile: made once, for its reader alone", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "secret");
  const first = await secretFile(path, 64202);
  match(first.reveal(), /^[A-Za-z0-9_-]{43}$/);
  equal((await secretFile(path, 64202)).reveal(), first.reveal());
  const { mode, uid } = await Deno.stat(path);
  equal((mode ?? 0) & 0o777, 0o600);
  equal(uid, Deno.uid() === 0 ? 64202 : Deno.uid());
  notEqual((await secretFile(join(folder.path, "other"))).reveal(), first.reveal());
});

Deno.test("writeSecretFile: a file left half-written does not count and is no obstacle", async () => {
  await using folder = await temporaryFolder();
  const path = join(folder.path, "secret");
  await Deno.writeTextFile(`${path}.new`, "half", { mode: 0o644 });
  await writeSecretFile(path, "whole");
  equal(await Deno.readTextFile(path), "whole\n");
  equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
});
