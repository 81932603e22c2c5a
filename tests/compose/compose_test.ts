import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { join } from "node:path";
import { verifyBackup } from "../../deploy/backup/open_backup.ts";
import { createClient } from "../../deploy/demo/client.ts";
import { projectFolder } from "../../deploy/local/services.ts";
import { Secret } from "../../lib/secret.ts";
import { until } from "../support/until.ts";
import { startEngine } from "./engine.ts";
import { makeBaseImages } from "./images.ts";
import { adminFile, api, clone, containers, patient, service } from "./installation.ts";
import { followRunbooks } from "./runbooks.ts";
import { holdsOff, holdsSecrets, shutsIn } from "./walls.ts";
import { commandsOf } from "../support/readme.ts";

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
  /** As the runbooks say it. */
  const psql = async (statement: string) => {
    const runbook = await Deno.readTextFile(join(projectFolder, "docs/operations.md"));
    const [line = ""] = /docker compose exec -T db sh -c '[^']*psql [^']*'/.exec(runbook) ?? [];
    return await shell(`echo "${statement}" | ${line}`);
  };
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
        SETTINGS_FILE: "own.env",
      }).map(([name, value]) => `${name}=${value}\n`);
      await Deno.writeTextFile(join(folder, ".env"), settings.join(""), { append: true });
      // Of no line of compose.yaml: everything is slow.
      await Deno.writeTextFile(join(folder, "own.env"), "SLOW_REQUEST_MS=1\nLOG_LEVEL=error\n");
    }
    match(said, /password +\S{24} /);
    match(said, /daemon +ok\n/);
    await until("a slow request is told of", async () => {
      return /"level":"warn".*"slow request"/.test(await shell("docker compose logs api"));
    }, patient);
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

  await t.step("each that goes on is asked how it is, and is well", async () => {
    const health = async () =>
      Object.fromEntries(
        Object.entries(await containers(engine)).filter(([, { State }]) => State.Pid !== 0)
          .map(([name, { State }]) => [name, State.Health?.Status]),
      );
    const names = ["api", "db", "net", "redis", "sealer", "wgd"];
    deepEqual(Object.keys(await health()).sort(), names);
    await until("all are well", async () => {
      return Object.values(await health()).every((each) => each === "healthy");
    }, patient);
  });

  await t.step("base images can be named by their digests as well", async () => {
    const digest = `@sha256:${"0123456789abcdef".repeat(4)}`;
    const names = [
      ...["DENO_IMAGE", "DEBIAN_IMAGE", "POSTGRES_IMAGE"],
      ...["REDIS_IMAGE", "PROMETHEUS_IMAGE", "GRAFANA_IMAGE"],
    ];
    const pinned = names.map((name) =>
      `${name}=registry.example/${name.toLowerCase()}:1.2${digest}`
    );
    // What is set in the environment wins over .env.
    const config = await shell(`${pinned.join(" ")} docker compose --profile monitoring config`);
    for (const each of pinned) ok(config.includes(each.split("=")[1] ?? ""), each);
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

  await holdsSecrets(t, { engine, folder });
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

  await holdsOff(t, { engine, tunnel, isUp });
  await shutsIn(t, engine);

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
    await until("it is well", async () => {
      return (await service(engine, "prometheus")).State.Health?.Status === "healthy";
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

  await t.step(
    "the engine restarted, what the unit for it runs makes it whole, on a database of a newer version as well",
    async () => {
      const unit = await Deno.readTextFile(join(folder, "units/massacorp-compose.service"));
      const starts = [...unit.matchAll(/^ExecStart=(.*)$/gm)].map(([, line = ""]) => line);
      equal(starts.length, 4);
      // As the next version's migration leaves it, which only adds.
      await psql(`insert into schema_migrations (id, checksum) values ('9998_next', 'x')`);
      await engine.restart();
      for (const line of starts) await shell(line);
      await until("the API answers through the tunnel again", isUp, patient);
      match(await shell("docker compose logs migrate"), /9998_next.*can work with it/);
      await psql(`delete from schema_migrations where id = '9998_next'`);
    },
  );

  await followRunbooks(t, { folder, shell, client, token, isUp });

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
