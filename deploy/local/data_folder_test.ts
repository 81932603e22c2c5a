import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { temporaryFolder } from "../../tests/support/temporary_folder.ts";
import { until } from "../../tests/support/until.ts";
import { openDataFolder } from "./data_folder.ts";
import { apiUid, databaseUid, sealerUid } from "./identity.ts";

async function access(path: string): Promise<string> {
  const { mode, uid, gid } = await Deno.stat(path);
  return `${((mode ?? 0) & 0o7777).toString(8)} ${uid}:${gid}`;
}

Deno.test("openDataFolder: each folder is its user's alone", async () => {
  await using parent = await temporaryFolder();
  using folder = await openDataFolder(join(parent.path, "data"));
  const me = `${Deno.uid()}:${Deno.gid()}`;
  const of = (uid: number) => Deno.uid() === 0 ? `${uid}:${uid}` : me;
  deepEqual(
    {
      root: await access(folder.root),
      supervisor: await access(folder.secrets.supervisor),
      api: await access(folder.secrets.api),
      wgd: await access(folder.secrets.wgd),
      sealer: await access(folder.secrets.sealer),
      checkpoints: await access(folder.audit),
      key: await access(folder.wgd),
      admin: await access(folder.admin),
      operator: await access(folder.sockets.operator),
      postgres: await access(folder.sockets.postgres),
      daemon: await access(folder.sockets.wgd),
      status: await access(folder.sockets.sealer),
    },
    {
      root: `711 ${me}`,
      supervisor: `700 ${me}`,
      api: `700 ${of(apiUid)}`,
      wgd: `700 ${me}`,
      sealer: `700 ${of(sealerUid)}`,
      checkpoints: `700 ${of(sealerUid)}`,
      key: `700 ${me}`,
      admin: `700 ${me}`,
      operator: `700 ${of(apiUid)}`,
      postgres: `711 ${of(databaseUid)}`,
      daemon: `2750 ${Deno.uid() === 0 ? `0:${apiUid}` : me}`,
      status: `2750 ${Deno.uid() === 0 ? `${sealerUid}:${apiUid}` : me}`,
    },
  );
});

Deno.test("openDataFolder: one supervisor a folder", async () => {
  await using parent = await temporaryFolder();
  const path = join(parent.path, "data");
  {
    using _held = await openDataFolder(path);
    await rejects(openDataFolder(path), /another \.\/massacorp up runs on/);
  }
  using _free = await openDataFolder(path);
});

Deno.test("openDataFolder: a lock that is let go in that moment is no other supervisor", async () => {
  await using parent = await temporaryFolder();
  const path = join(parent.path, "data");
  const held = await openDataFolder(path);
  const next = openDataFolder(path);
  // In one go: the next one waits for half a second, and other tests may have hundreds of files open.
  const open = () => {
    let found = 0;
    for (const { name } of Deno.readDirSync("/proc/self/fd")) {
      try {
        if (Deno.readLinkSync(`/proc/self/fd/${name}`) === join(path, "lock")) found++;
      } catch (error) {
        // It was closed meanwhile.
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return found;
  };
  await until("the next one looks", () => open() === 2, { everyMs: 1 });
  held[Symbol.dispose]();
  using _free = await next;
});

Deno.test("openDataFolder: sockets of a long path get a short one, always the same", async () => {
  await using parent = await temporaryFolder();
  const path = join(parent.path, "long".repeat(20));
  let first: string;
  {
    using folder = await openDataFolder(path);
    first = folder.sockets.postgres;
  }
  ok(`${first}/.s.PGSQL.5432.lock`.length <= 107);
  equal(first.startsWith(path), false);
  using again = await openDataFolder(path);
  equal(again.sockets.postgres, first);
  await Deno.remove(join(first, ".."), { recursive: true });
});
