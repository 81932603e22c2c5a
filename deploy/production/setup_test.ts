import { deepEqual, equal, match, notEqual, rejects } from "node:assert/strict";
import { join } from "node:path";
import { deriveSubkey } from "../../lib/seal.ts";
import { Secret } from "../../lib/secret.ts";
import { openDataFolder } from "../local/data_folder.ts";
import { databaseSecrets } from "../local/secrets.ts";
import { setUp } from "./setup.ts";

const options = (data: string) => ({
  data,
  run: join(data, "run"),
  database: "postgres://db:5432?sslmode=prefer",
  databaseUid: 999,
  redis: { place: "redis:6379", uid: 998 },
  grafanaUid: 472,
});

/** `mode owner path` of everything in the folder, sockets' folders included, in the order of the alphabet. */
async function listing(folder: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(folder, below))) {
    const path = join(below, name);
    const { mode, uid, gid } = await Deno.stat(join(folder, path));
    found.push(`${((mode ?? 0) & 0o7777).toString(8)} ${uid}:${gid} ${path}`);
    if (isDirectory) found.push(...await listing(folder, path));
  }
  return found.sort();
}

async function texts(folder: string): Promise<Map<string, string>> {
  const files = (await listing(folder)).map((line) => line.split(" ")[2] ?? "");
  const read = await Promise.all(
    files.map(async (file) =>
      [file, await Deno.readTextFile(join(folder, file)).catch(() => "")] as const
    ),
  );
  return new Map(read);
}

Deno.test({
  name:
    "setUp: each secret is a file that its reader alone can open, and a second run changes nothing",
  // Owners are given by root alone; CI runs as root.
  ignore: Deno.uid() !== 0,
  async fn() {
    const data = await Deno.makeTempDir();
    try {
      await setUp(options(data));
      const first = await listing(data);
      const secrets = first.filter((line) => / secrets\//.test(line));
      deepEqual(secrets, [
        "600 0:0 secrets/wgd/database_url",
        "600 0:0 secrets/wgd/preshared_subkey",
        "600 0:0 secrets/wgd/preshared_subkeys_old",
        "600 472:472 secrets/grafana/grafana_password",
        "600 64202:64202 secrets/api/database_platform_url",
        "600 64202:64202 secrets/api/database_url",
        "600 64202:64202 secrets/api/encryption_key",
        "600 64202:64202 secrets/api/encryption_keys_old",
        "600 64202:64202 secrets/api/jwt_secret",
        "600 64202:64202 secrets/api/redis_url",
        "600 64203:64203 secrets/sealer/database_url",
        "600 64203:64203 secrets/sealer/signing_key",
        ...[
          "massacorp_api_password",
          "massacorp_owner_password",
          "massacorp_platform_password",
          "massacorp_sealer_password",
          "massacorp_wgd_password",
          "owner_url",
          "postgres_password",
          "redis_password",
          "superuser_url",
        ].map((name) => `600 64204:64204 secrets/supervisor/${name}`),
        "600 998:998 secrets/redis/redis.conf",
        "600 999:999 secrets/database/postgres_password",
        "700 0:0 secrets/wgd",
        "700 472:472 secrets/grafana",
        "700 64202:64202 secrets/api",
        "700 64203:64203 secrets/sealer",
        "700 64204:64204 secrets/supervisor",
        "700 998:998 secrets/redis",
        "700 999:999 secrets/database",
      ]);
      deepEqual(first.filter((line) => / run\//.test(line)), [
        "2750 0:64202 run/wgd",
        "2750 64203:64202 run/sealer",
        "700 64202:64202 run/operator",
        "711 64201:64201 run/postgres",
      ]);
      const before = await texts(data);
      const url = before.get("secrets/api/database_url") ?? "";
      match(url, /^postgres:\/\/massacorp_api:[\w-]{43}@db:5432\/massacorp\?sslmode=prefer\n$/);
      const key = Uint8Array.fromBase64(before.get("secrets/api/encryption_key")?.trim() ?? "", {
        alphabet: "base64url",
      });
      const subkey = await deriveSubkey(new Secret(key), "wireguard-preshared-key");
      equal(before.get("secrets/wgd/preshared_subkey")?.trim(), subkey.reveal().toBase64());

      await setUp(options(data));
      deepEqual(await texts(data), before);
      await setUp({ ...options(data), database: undefined });
      deepEqual(await texts(data), before, "without a server told, what is there stays");
      deepEqual(await listing(data), first);
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});

Deno.test("setUp: an encryption key that is none is told by its name, and no subkey is made of it", async () => {
  const data = await Deno.makeTempDir();
  try {
    await Deno.mkdir(join(data, "secrets/api"), { recursive: true });
    await Deno.writeTextFile(join(data, "secrets/api/encryption_key"), "short");
    await rejects(setUp({ data, run: join(data, "run"), database: "postgres://db" }), {
      message: /ENCRYPTION_KEY: must be 32 bytes in base64/,
    });
    await rejects(Deno.stat(join(data, "secrets/wgd/preshared_subkey")), Deno.errors.NotFound);
  } finally {
    await Deno.remove(data, { recursive: true });
  }
});

Deno.test({
  name:
    "setUp: without a server told, each URL keeps its own and gets a new password; a missing one has the owner's",
  // Owners are given by root alone; CI runs as root.
  ignore: Deno.uid() !== 0,
  async fn() {
    const data = await Deno.makeTempDir();
    const run = join(data, "run");
    const read = async (file: string) => await Deno.readTextFile(join(data, "secrets", file));
    try {
      await setUp({ data, run });
      match(await read("wgd/database_url"), /@127\.0\.0\.1:5432\/massacorp\n$/);

      await setUp({ data, run, database: "postgres://db.example.org:5433?sslmode=require" });
      const elsewhere = "@db.example.org:5433/massacorp?sslmode=require\n";
      for (const file of ["api/database_url", "wgd/database_url", "supervisor/owner_url"]) {
        equal((await read(file)).endsWith(elsewhere), true, file);
      }

      const pooled = "postgres://massacorp_api:old@x:6432/massacorp?host=%2Frun%2Fpgbouncer\n";
      await Deno.writeTextFile(join(data, "secrets/api/database_url"), pooled);
      await Deno.remove(join(data, "secrets/sealer/database_url"));
      await setUp({ data, run });
      const password = (await read("supervisor/massacorp_api_password")).trim();
      equal(await read("api/database_url"), pooled.replace(":old@", `:${password}@`));
      equal((await read("sealer/database_url")).endsWith(elsewhere), true);

      const before = await read("wgd/database_url");
      {
        using folder = await openDataFolder(data);
        await databaseSecrets(folder);
      }
      notEqual(await read("wgd/database_url"), before, "a restore's own server");
      await setUp({ data, run });
      equal(await read("wgd/database_url"), before);

      await Deno.writeTextFile(join(data, "secrets/wgd/database_url"), "ours: s3cret");
      const refused = setUp({ data, run });
      await rejects(refused, { message: /wgd\/database_url: must be a postgres:\/\/ URL$/ });
    } finally {
      await Deno.remove(data, { recursive: true });
    }
  },
});
