import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { connect } from "../../db/connection.ts";
import { databaseUrl } from "../../db/roles.ts";
import { createClient } from "../../deploy/demo/client.ts";
import { outcomeOf } from "../../deploy/demo/run.ts";
import { socketFetch } from "../../deploy/local/socket_http.ts";
import { presharedKeyRow } from "../../lib/seal.ts";
import { createNamingSealer } from "../../lib/seal_ring.ts";
import { Secret } from "../../lib/secret.ts";
import { cli } from "../support/cli.ts";
import { namespaces } from "../support/netns.ts";
import { keepAll } from "../support/output.ts";
import { startPings } from "../support/pings.ts";
import { codeAt } from "../support/totp.ts";
import { until } from "../support/until.ts";
import { projectFolder, startUp } from "../support/up.ts";

const api = "http://10.10.0.2:8000/api/v1";
const patient = { timeoutMs: 30_000, everyMs: 20 };
const nobodyListens = "smtp://127.0.0.1:1";

interface PeerRow {
  id: string;
  tenant_id: number;
  public_key: string;
  preshared_key: Uint8Array;
}

Deno.test("encryption:key: T4, D2: under traffic and with every process killed in the middle, the key changes; no echo, no peer, no factor and no mail is lost", async () => {
  await using undo = new AsyncDisposableStack();
  const root = await Deno.makeTempDir({ prefix: "massacorp-reseal-" });
  undo.defer(() => Deno.remove(root, { recursive: true }));
  await Deno.chmod(root, 0o711);
  const data = join(root, "data");
  const hosts = undo.use(await namespaces("server", "phone"));
  const up = undo.use(startUp(hosts, "server", {
    dataFolder: data,
    env: {
      WG_NETWORK: "10.10.0.0/22",
      SMTP_URL: nobodyListens,
      SMTP_TLS: "off",
      MAIL_FROM: "massacorp@example.com",
      LOG_LEVEL: "warn",
    },
  }));
  await up.up();
  const env = { MASSACORP_DATA: data };
  const operator = (path: string, json?: unknown) =>
    socketFetch(join(data, "run/operator/api.sock"), path, {
      ...(json === undefined ? {} : { method: "POST", json }),
      headers: { "X-Tenant-ID": "platform" },
      timeoutMs: 30_000,
    });
  const key = async (...args: string[]) => {
    const task = "deploy/local/encryption_key.ts";
    const outcome = await outcomeOf(
      [Deno.execPath(), "run", "-q", "-P=cli", join(projectFolder, task), ...args],
      { env, timeoutMs: 60_000 },
    );
    keepAll(outcome.stdout, outcome.stderr);
    return outcome;
  };
  const password = await Deno.readTextFile(join(data, "secrets/supervisor/postgres_password"));
  const session = (applicationName: string) => {
    const url = databaseUrl({
      role: "postgres",
      password: new Secret(password.trim()),
      socketFolder: join(data, "run/postgres"),
      database: "massacorp",
    });
    const opened = connect(url, { max: 1, applicationName });
    undo.defer(() => opened.end({ timeout: 5 }));
    return opened;
  };
  const [sql, holder] = [session("test"), session("test-holder")];
  /** By id, as the daemon's newest subkey alone opens it. @throws {SealError} for any that it does not open */
  const opened = async () => {
    const text = await Deno.readTextFile(join(data, "secrets/wgd/preshared_subkey"));
    const sealer = await createNamingSealer([
      new Secret(Uint8Array.fromBase64(text.trim(), { alphabet: alphabetOf(text) })),
    ]);
    const rows = await sql<PeerRow[]>`
      select id, tenant_id, public_key, preshared_key from wg_peers where deleted_at is null`;
    const all = await Promise.all(rows.map(async (row) => {
      const place = presharedKeyRow({
        tenantId: row.tenant_id,
        peerId: row.id,
        publicKey: row.public_key,
      });
      const plain = await sealer.open(row.preshared_key, place);
      return [row.id, `${row.public_key} ${new TextDecoder().decode(plain)}`] as const;
    }));
    return new Map(all);
  };
  type Program = "wgd/main.ts" | "api/main.ts";
  /** @returns to be awaited, until it is there again */
  const kill = async (program: Program) => {
    const before = await up.pid(program);
    Deno.kill(before, "SIGKILL");
    return async () => {
      await until(
        `${program} is another process`,
        async () => await up.pid(program) !== before,
        patient,
      );
      const [socket, path] = program === "api/main.ts"
        ? ["operator/api.sock", "/ready"]
        : ["wgd/wgd.sock", "/v1/status"];
      await until(
        `${program} answers`,
        async () => (await socketFetch(join(data, "run", socket ?? ""), path ?? "")).status === 200,
        patient,
      );
    };
  };
  const killed = async (program: Program) => await (await kill(program))();

  // Whom it is about: 400 peers, an admin with a second factor, mails that wait, a client with its tunnel up.
  equal((await cli("tenant:quota", ["--tenant", "platform", "--peers", "900"], env)).code, 0);
  for (const part of [0, 1]) {
    const peers = Array.from({ length: 200 }, (_, n) => ({ name: `peer-${part}-${n}` }));
    const bulk = await operator("/api/v1/wireguard/peers/bulk", { peers });
    equal(bulk.status, 201, JSON.stringify(bulk.body));
  }
  const phone = undo.use(
    createClient(hosts.argv("phone", [])[3] ?? "", new AbortController().signal),
  );
  const mine = join(root, `mc${crypto.randomUUID().slice(0, 8)}.conf`);
  await Deno.copyFile(join(data, "admin/admin.conf"), mine);
  await phone.load(mine);
  const ask = async (path: string, json: unknown, token?: string) => {
    const answer = await phone.request({
      url: api + path,
      method: "POST",
      json,
      headers: {
        "X-Tenant-ID": "platform",
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
      },
      timeoutMs: 10_000,
    });
    ok("status" in answer && answer.status === 200, `${path}: ${JSON.stringify(answer)}`);
    return answer.body as Record<string, string>;
  };
  const said = up.said.map((line) => /^password +(\S+) /.exec(line)?.[1]).find(Boolean);
  const login = { email: "admin@massacorp.internal", password: said };
  const { access_token } = await ask("/auth/login", login);
  const { secret = "" } = await ask("/mfa/setup", {}, access_token);
  await ask("/mfa/enable", { code: codeAt(secret, Date.now()) }, access_token);
  equal((await operator("/api/v1/users/invitations", { email: "new@example.com" })).status, 201);
  const before = await opened();
  ok(before.size > 400);

  const pings = startPings((command) => hosts.argv("phone", command));
  let on = true;
  const acknowledged: string[] = [];
  const traffic = (async () => {
    for (let n = 0; on; n++) {
      // Cut off by a kill, nothing was promised.
      const made = await operator("/api/v1/wireguard/peers", { name: `during-${n}` }).catch(() =>
        null
      );
      if (made?.status === 201) acknowledged.push((made.body as { peer: { id: string } }).peer.id);
    }
  })();
  undo.defer(async () => {
    on = false;
    await Promise.all([traffic, pings.stop()]);
  });

  const added = await key("add");
  const [old = "", next = ""] = [...added.stdout.matchAll(/^([0-9a-f]{16}) /gm)].map(([, id]) =>
    id
  );
  ok(old && next, added.stdout);
  await killed("wgd/main.ts");
  await killed("api/main.ts");
  equal((await key("use", next)).code, 0);
  await killed("wgd/main.ts");
  await killed("api/main.ts");

  const underOld = async () => {
    const [row] = await sql<[{ n: number }]>`
      with kinds as (select sealed_under(preshared_key) as id from wg_peers where deleted_at is null)
      select (select count(*) from kinds where id <> (
        select sealed_under(preshared_key) from wg_peers order by created_at desc, id desc limit 1
      ))::integer as n`;
    return row.n;
  };
  await until("a peer was made under the new key", async () => await underOld() > 400, patient);
  for (const victim of ["api/main.ts", "wgd/main.ts"] as const) {
    const all = await underOld();
    // Of its second hundred one is held: however fast it is, it is in the middle until then.
    const { running, back } = await holder.begin(async (held) => {
      await held`
        select from wg_peers where id = (
          select id from wg_peers where deleted_at is null and sealed_under(preshared_key) <> (
            select sealed_under(preshared_key) from wg_peers order by created_at desc, id desc limit 1
          ) order by id offset 150 limit 1
        ) for no key update`;
      const running = cli("secrets:reseal", [], env);
      await until("it is in the middle of it", async () => {
        const left = await underOld();
        return left < all ? left : undefined;
      }, { timeoutMs: 30_000, everyMs: 1 });
      ok(await underOld() > 0, "there is something left to seal anew");
      return { running, back: await kill(victim) };
    });
    await back();
    const { code } = await running;
    if (victim === "api/main.ts") ok(code !== 0, "whoever asked learns that it was cut off");
  }
  const done = await cli("secrets:reseal", [], env);
  equal(done.code, 0, done.out + done.err);
  match(done.out, /^10 recovery_code\(s\) are still under key/m);
  equal(/preshared_key|second_factor|mail\(s\) are/.test(done.out.replace(/^sealed.*/, "")), false);
  const refused = await key("drop", old);
  equal(refused.code, 1);
  match(refused.stdout, /still needed for 10 recovery_code\(s\); --force forgets it/);
  equal((await key("drop", old, "--force")).code, 0);
  await killed("wgd/main.ts");
  await killed("api/main.ts");

  on = false;
  await traffic;
  const { sent, received } = await pings.stop();
  ok(sent > 500);
  equal(received, sent, `${sent - received} of ${sent} echoes were lost`);
  const after = await opened();
  for (const [id, keys] of before) equal(after.get(id), keys, "the very keys that clients have");
  ok(acknowledged.length > 3);
  deepEqual(acknowledged.filter((id) => !after.has(id)), []);
  await until("the interface has exactly these", async () => {
    const dump = await hosts.run("server", ["wg", "show", up.interface, "preshared-keys"]);
    const onInterface = dump.trim().split("\n").map((line) => line.replace("\t", " ")).sort();
    return onInterface.join() === [...(await opened()).values()].sort().join();
  }, patient);
  const kinds = await sql<
    { kind: string; key_id: string }[]
  >`select kind, key_id from lookup_sealed()`;
  deepEqual(
    kinds.filter(({ key_id }) => key_id === old).map(({ kind }) => kind),
    ["recovery_code"],
  );
  // A factor and mails that one key alone can open.
  const { mfa_session_token } = await ask("/auth/login", login);
  const code = codeAt(secret, Date.now());
  const { access_token: again = "" } = await ask("/auth/login/mfa", { mfa_session_token, code });
  match(again, /^eyJ/);
  const critical = up.said.filter((line) => line.includes('"critical"'));
  deepEqual(critical, [], "no start missed a key");
  const { stdout } = await outcomeOf(["deno", "task", "audit:verify"], { env, timeoutMs: 60_000 });
  match(stdout, /^intact$/m);
});

function alphabetOf(text: string): "base64" | "base64url" {
  return /[-_]/.test(text) ? "base64url" : "base64";
}
