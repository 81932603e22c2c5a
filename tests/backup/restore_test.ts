import { deepEqual, equal, match, ok } from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { createClient } from "../../deploy/demo/client.ts";
import { outcomeOf } from "../../deploy/demo/run.ts";
import { socketFetch } from "../../deploy/local/socket_http.ts";
import { writeAll } from "../../lib/durable_file.ts";
import { lines } from "../../lib/lines.ts";
import { namespaces } from "../support/netns.ts";
import { keepAll } from "../support/output.ts";
import { until } from "../support/until.ts";
import { projectFolder, startUp } from "../support/up.ts";

const massacorp = join(projectFolder, "massacorp");
const apiUrl = "http://10.10.0.2:8000";

async function workshop() {
  const root = await Deno.makeTempDir({ prefix: "massacorp-backup-" });
  await Deno.chmod(root, 0o711);
  const identity = await generateX25519Identity();
  const other = await generateX25519Identity();
  await Deno.mkdir(join(root, "metrics"));
  await Deno.writeTextFile(join(root, "keys"), `# made by a test\n${identity}\n`, { mode: 0o600 });
  await Deno.writeTextFile(join(root, "other"), other, { mode: 0o600 });
  const env = {
    BACKUP_FOLDER: join(root, "backups"),
    BACKUP_RECIPIENTS: await identityToRecipient(identity),
    // Beside the data folder, as node_exporter's is: what the backup may write does not hold it.
    BACKUP_METRICS: join(root, "metrics/massacorp_backup.prom"),
    PASSWORD_CHECK_HIBP: "off",
  };
  return {
    root,
    identity,
    keys: join(root, "keys"),
    other: join(root, "other"),
    backups: env.BACKUP_FOLDER,
    metrics: env.BACKUP_METRICS,
    /** Runs `./massacorp` on a data folder. */
    run: async (data: string, args: string[], stdin?: string) => {
      const outcome = await outcomeOf([massacorp, ...args], {
        env: { ...env, MASSACORP_DATA: join(root, data) },
        timeoutMs: 120_000,
        ...(stdin === undefined ? {} : { stdin }),
      });
      keepAll(outcome.stdout, outcome.stderr);
      return outcome;
    },
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

/** Every file below a folder with mode, owner and text, but for sockets and what starts make. */
async function photograph(folder: string, below = ""): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(join(folder, below))) {
      const path = join(below, name);
      const { mode, uid } = await Deno.lstat(join(folder, path));
      const text = isFile ? await Deno.readFile(join(folder, path)) : new Uint8Array();
      found.push(`${path} ${mode} ${uid} ${text.length} ${text.toBase64().slice(0, 100)}`);
      if (isDirectory) found.push(...await photograph(folder, path));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found.sort();
}

Deno.test("restore: on an empty machine an existing client's tunnel comes back with its old file, the audit chain is whole, and old sessions are over", async (t) => {
  await using shop = await workshop();
  await using hosts = await namespaces("server", "phone");
  const [namespace = ""] = hosts.argv("phone", []).slice(3);
  await using phone = createClient(namespace, new AbortController().signal);
  const first = join(shop.root, "first");
  const second = join(shop.root, "second");
  const ask = (path: string, more: { method?: string; token?: string; json?: unknown } = {}) =>
    phone.request({
      url: `${apiUrl}/api/v1${path}`,
      timeoutMs: 10_000,
      ...(more.method ? { method: more.method } : {}),
      ...(more.json === undefined ? {} : { json: more.json }),
      headers: {
        "x-tenant-id": "platform",
        ...(more.token ? { authorization: `Bearer ${more.token}` } : {}),
      },
    });
  let file = "";
  let wireguard = "";
  let tokens = { access_token: "", refresh_token: "" };
  let login = { email: "admin@massacorp.internal", password: "" };

  await t.step("a backup is made while the API writes", async () => {
    await using up = startUp(hosts, "server", { dataFolder: first });
    await up.up();
    wireguard = up.interface;
    login = {
      ...login,
      password: up.said.map((line) => /^password +(\S+) /.exec(line)?.[1]).find(Boolean) ?? "",
    };
    await Deno.copyFile(join(first, "admin/admin.conf"), join(shop.root, "mine.conf"));
    await phone.load(join(shop.root, "mine.conf"));
    const answer = await ask("/auth/login", { method: "POST", json: login });
    ok("status" in answer && answer.status === 200, JSON.stringify(answer));
    tokens = answer.body as typeof tokens;
    let on = true;
    let written = 0;
    const writing = (async () => {
      for (let path = "/api/v1/wireguard/peers"; on; written++) {
        // Fewer than a tenant may hold, however long it takes; then the last one is renamed.
        const isNew = written < 50;
        const { status, body } = await socketFetch(join(first, "run/operator/api.sock"), path, {
          method: isNew ? "POST" : "PATCH",
          headers: { "x-tenant-id": "platform" },
          json: { name: `peer-${written}` },
          timeoutMs: 30_000,
        });
        equal(status, isNew ? 201 : 200, JSON.stringify(body));
        if (written === 49) path += `/${(body as { peer: { id: string } }).peer.id}`;
      }
    })();
    await until("there is something to copy", () => written > 3);
    const before = written;
    const outcome = await shop.run("first", ["backup"]);
    const after = written;
    on = false;
    await writing;
    equal(outcome.code, 0, outcome.stdout + outcome.stderr);
    ok(after > before, `the API wrote meanwhile: ${before} to ${after}`);
    file = /^backup +(\S+),/m.exec(outcome.stdout)?.[1] ?? "";
    equal(((await Deno.stat(file)).mode ?? 0) & 0o777, 0o600);
    match(
      await Deno.readTextFile(shop.metrics),
      /^massacorp_backup_last_success_timestamp_seconds \d{10}$/m,
    );
    const verified = await shop.run(
      "first",
      ["backup", "--verify", file, "--identity", "-"],
      shop.identity,
    );
    match(verified.stdout, /^whole /m, verified.stdout);
    // What happens now is lost, and a session that ends now is not ended in the backup.
    const over = await ask("/auth/logout", {
      method: "POST",
      token: tokens.access_token,
      json: {},
    });
    ok("status" in over && over.status === 200, JSON.stringify(over));
    up.signal("SIGTERM");
    equal(await up.ended, 0);
  });

  await t.step("what must not be restored changes nothing", async () => {
    const bytes = await Deno.readFile(file);
    const cut = join(shop.root, "cut");
    const bent = join(shop.root, "bent");
    await Deno.writeFile(cut, bytes.subarray(0, bytes.length - 70_000));
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 1;
    await Deno.writeFile(bent, bytes);
    const before = await photograph(first);
    for (
      const [target, from, keys, words] of [
        ["second", cut, shop.keys, /cannot be trusted/],
        ["second", bent, shop.keys, /cannot be trusted/],
        ["second", file, shop.other, /no identity that was given opens/],
        ["first", file, shop.keys, /has data .*--replace/],
      ] as const
    ) {
      const { code, stdout } = await shop.run(target, ["restore", from, "--identity", keys]);
      equal(code, 1, stdout);
      match(stdout, words);
    }
    deepEqual(await photograph(second), []);
    deepEqual(await photograph(first), before);
  });

  await t.step(
    "a restore that is killed leaves a folder that up refuses, and is repeated",
    async () => {
      const pipe = join(shop.root, "pipe");
      equal((await outcomeOf(["mkfifo", pipe])).success, true);
      const child = new Deno.Command(massacorp, {
        args: ["restore", pipe, "--identity", shop.keys],
        env: { MASSACORP_DATA: second },
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const words = lines(child.stdout);
      const bytes = await Deno.readFile(file);
      {
        using whole = await Deno.open(pipe, { write: true });
        await writeAll(whole, bytes);
      }
      match(String((await words.next()).value), /^backup .* whole: /);
      {
        // Of what it reads now there is no more than half, so that it is in the middle until it is killed.
        using half = await Deno.open(pipe, { read: true, write: true });
        await writeAll(half, bytes.subarray(0, bytes.length >> 1));
        await until("it writes", async () => (await photograph(second)).length > 100);
        child.kill("SIGKILL");
        await child.status;
      }
      await words.return(undefined);
      await using up = startUp(hosts, "server", { dataFolder: second, interface: wireguard });
      equal(await up.ended, 1);
      match(up.said.join("\n"), /did not end: run \.\/massacorp restore again/);
    },
  );

  await t.step("the tunnel is up again", async () => {
    await Deno.remove(first, { recursive: true });
    const outcome = await shop.run("second", ["restore", file, "--identity", shop.keys]);
    equal(outcome.code, 0, outcome.stdout + outcome.stderr);
    match(outcome.stdout, /^ended +1 sessions/m);
    match(outcome.stdout, /\d+ peers and 0 API keys are good again/);
    await using up = startUp(hosts, "server", { dataFolder: second, interface: wireguard });
    await up.up();
    equal(up.said.some((line) => line.startsWith("password")), false, "it is no first start");
    // The very interface that was loaded before the machine was lost.
    await until("the client's tunnel carries again", async () => {
      const answer = await ask("/auth/me", { token: tokens.access_token });
      return "status" in answer && answer.status === 401;
    }, { timeoutMs: 30_000 });
    const refreshed = await ask("/auth/refresh", {
      method: "POST",
      json: { refresh_token: tokens.refresh_token },
    });
    ok("status" in refreshed && refreshed.status === 401, JSON.stringify(refreshed));
    const again = await ask("/auth/login", { method: "POST", json: login });
    ok("status" in again && again.status === 200, JSON.stringify(again));

    await until("the audit log is whole, with the restore in it", async () => {
      const { stdout } = await outcomeOf(["deno", "task", "audit:verify"], {
        env: { MASSACORP_DATA: second },
      });
      return /^intact$/m.test(stdout) && /checkpoints +1 to /.test(stdout);
    }, { everyMs: 300 });
    const { body } = await socketFetch(
      join(second, "run/operator/api.sock"),
      "/api/v1/audit?action=backup.restored",
      {
        headers: { "x-tenant-id": "platform" },
      },
    );
    match(JSON.stringify(body), /backup\.restored/);
    up.signal("SIGTERM");
    equal(await up.ended, 0);
  });
});
