import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { createClient } from "../../deploy/demo/client.ts";
import { commandsOf } from "../support/readme.ts";
import { secretOf, seedSecret } from "../support/output.ts";
import { until } from "../support/until.ts";
import { walk } from "../support/walk.ts";
import { api, bootForOperator, copyFiles } from "./operator.ts";

const settings = "/etc/massacorp/massacorp.env";
const patient = { timeoutMs: 30_000, everyMs: 100 };

Deno.test("systemd: README's commands install services that answer through the tunnel, restart without touching it, and leave their data behind", async (t) => {
  await using operator = await bootForOperator();
  const { machine, hosts, folder, shell, fact, answers } = operator;
  const pidOf = (unit: string) => fact(`systemctl show --property MainPID --value ${unit}`);
  let said = "";
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const backups = async () => (await fact("ls /var/backups/massacorp")).split("\n");

  const isWhole = await t.step("every command of the section succeeds", async () => {
    for (const command of await commandsOf("### With systemd")) {
      if (/^git /.test(command)) continue;
      const dialled = command.replaceAll("vpn.example.org", hosts.address("host"))
        .replaceAll("age1…", recipient);
      // There is no pg_dump 16 on this machine: its PostgreSQL's files are copied instead.
      if (command.includes("BACKUP_RECIPIENTS")) await shell(copyFiles);
      said += `$ ${command}\n${await shell(dialled)}`;
    }
    match(said, /nothing is started yet: set WG_ENDPOINT/);
    match(said, /password +\S{24} /);
    match(said, /daemon +ok\n/);
    match(said, /no backups are made: set BACKUP_RECIPIENTS/);
    match(said, /massacorp-backup\.timer/);
  });
  if (!isWhole) return;

  await t.step("the admin's file leads to the API", async () => {
    await operator.dialIn();
    await until("the API answers", answers, patient);
  });

  await t.step(
    "who follows README's first ten minutes and the guide ends in a tunnel with a second factor and an API key",
    async () => {
      // Where the operator is, his files are.
      await walk({
        task: (command) => shell(`cd /root; massacorpctl ${command}`),
        outFile: (name) => shell(`cat /root/${name}`),
        hosts,
        folder,
      });
    },
  );

  await t.step(
    "the runbook's changes of keys: ENCRYPTION_KEY unnoticed, the gateway's at a cut-over",
    async () => {
      const restart = () => shell("systemctl restart massacorp-wgd massacorp-api");
      const [old = "", next = ""] =
        (await shell("massacorpctl encryption:key add")).match(/^\w{16}/gm) ?? [];
      await restart();
      await shell(`massacorpctl encryption:key use ${next}`);
      await restart();
      match(await shell("massacorpctl secrets:reseal"), /^sealed anew: [1-9]/);
      match(
        await shell(`massacorpctl encryption:key drop ${old} --force`),
        new RegExp(`^${next}  seals$`, "m"),
      );
      await restart();
      await until("the old tunnel carries", answers, patient);

      const prepared = await shell("massacorpctl wg:rotate-key --prepare");
      const [, key = ""] = /^next +(\S{44})$/m.exec(prepared) ?? [];
      const at = new Date(Date.now() + 3600_000).toISOString();
      match(
        await shell(`massacorpctl wg:announce-key --key ${key} --at ${at}`),
        /^[1-9] mail\(s\) queued/,
      );
      await shell("systemctl stop massacorp-wgd massacorp-api");
      await shell(`massacorpctl wg:rotate-key --cut-over ${key}`);
      await shell("systemctl start massacorp-wgd massacorp-api");
      await operator.dialIn((text) => text.replace(/^PublicKey = .*$/m, `PublicKey = ${key}`));
      await until("with the one line changed the tunnel carries", answers, patient);
      match(await shell("massacorpctl audit:verify"), /^intact$/m);
      match(await shell("massacorpctl wg:adopt-key"), /published/);
    },
  );

  await t.step(
    "each process has its user, one of them a capability, all a filter of system calls",
    async () => {
      const rights: string[] = [];
      for (const unit of ["massacorp-api", "massacorp-sealer", "massacorp-wgd"]) {
        const status = await shell(`cat /proc/${await pidOf(unit)}/status`);
        const line = (key: string) => new RegExp(`^${key}:\\s*(\\S+)`, "m").exec(status)?.[1];
        rights.push(
          [unit, line("Uid"), line("CapBnd"), line("NoNewPrivs"), line("Seccomp")].join(" "),
        );
      }
      deepEqual(rights, [
        "massacorp-api 64202 0000000000000000 1 2",
        "massacorp-sealer 64203 0000000000000000 1 2",
        "massacorp-wgd 0 0000000000001000 1 2",
      ]);
      const places = await shell(
        "cd /run/massacorp; stat --format '%a %U:%G %n' operator wgd sealer wgd/wgd.sock sealer/sealer.sock",
      );
      deepEqual(places.trim().split("\n"), [
        "700 massacorp-api:massacorp-api operator",
        "2750 root:massacorp-api wgd",
        "2750 massacorp-sealer:massacorp-api sealer",
        "660 root:massacorp-api wgd/wgd.sock",
        "660 massacorp-sealer:massacorp-api sealer/sealer.sock",
      ]);
    },
  );

  await t.step("in the API's place there are its own secrets, and nobody else's", async () => {
    const asApi = `nsenter --target ${await pidOf("massacorp-api")} --mount ` +
      "setpriv --reuid 64202 --regid 64202 --clear-groups --no-new-privs";
    const secrets = await shell(`${asApi} ls /etc/massacorp`);
    deepEqual(secrets.trim().split("\n"), [
      "database_platform_url",
      "database_url",
      "encryption_key",
      "encryption_keys_old",
      "jwt_secret",
    ]);
    equal(await fact(`${asApi} ls /var/lib/massacorp`), "backup");
    for (
      const path of ["/opt/massacorp/api/main.ts", "/etc/planted", "/run/massacorp/wgd/planted"]
    ) {
      const { success, stderr } = await machine.shell(`${asApi} touch ${path}`);
      equal(success, false, path);
      match(stderr, /Read-only|denied/);
    }
  });

  await t.step(
    "no secret stands in the journal, a unit, an argument or an environment",
    async () => {
      const files = (await shell("find /var/lib/massacorp/secrets -type f")).trim().split("\n");
      ok(files.length > 12);
      const seen = await shell(
        "journalctl --sync; journalctl --no-pager; systemctl show 'massacorp-*'; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'",
      );
      for (const file of files) {
        const secret = secretOf(await fact(`head -n 1 ${file}`));
        // Keys that were replaced: none yet.
        if (secret === "" && file.endsWith("s_old")) continue;
        seedSecret(secret);
        equal(seen.includes(secret), false, file);
      }
    },
  );

  const tunnel = "pgrep -x wireguard-go || true";
  const kept =
    "sha256sum $(find /var/lib/massacorp/secrets /var/lib/massacorp/wgd/gateway.key /etc/massacorp -type f | sort)";
  // A process beside the first asks for it, see docs/scaling.md.
  await shell(`echo PUBLIC_URL=${api} >> ${settings}`);
  const before = { tunnel: await fact(tunnel), kept: await shell(kept) };

  await t.step("killed, daemon and API come back, and the tunnel never went", async () => {
    for (const unit of ["massacorp-wgd", "massacorp-api"]) {
      const pid = await pidOf(unit);
      await shell(`kill -9 ${pid}`);
      await until(`${unit} is another process`, async () => {
        const now = await pidOf(unit);
        return now !== "0" && now !== pid;
      }, patient);
    }
    await until("the API answers again", answers, patient);
    equal(await fact(tunnel), before.tunnel);
  });

  await t.step("an API process more, on its own port and sockets, beside the first", async () => {
    await shell("systemctl enable --now massacorp-api@8002");
    await using beside = createClient(
      hosts.argv("host", [])[3] ?? "",
      new AbortController().signal,
    );
    for (const url of ["http://127.0.0.1:8002/ready", "http://127.0.0.1:18002/metrics"]) {
      const outcome = await beside.request({ url, timeoutMs: patient.timeoutMs });
      equal("status" in outcome && outcome.status, 200, url);
    }
    equal(await operator.status("/ready", patient.timeoutMs), 200);
  });

  await t.step(
    "another install.sh changes neither settings nor secrets nor the tunnel",
    async () => {
      const pid = await pidOf("massacorp-wgd");
      const beside = await pidOf("massacorp-api@8002");
      await shell("deploy/install.sh");
      notEqual(await pidOf("massacorp-wgd"), pid);
      notEqual(await pidOf("massacorp-api@8002"), beside);
      equal(await fact("systemctl is-active massacorp-api@8002"), "active");
      equal(await shell(kept), before.kept);
      equal(await fact(tunnel), before.tunnel);
      await until("the API answers", answers, patient);
    },
  );

  await t.step(
    "of two install.sh at once one works and the other ends with 75, as uninstall.sh does meanwhile",
    async () => {
      const { stdout, stderr } = await operator.tried(`
        deploy/install.sh & one=$!
        deploy/install.sh & other=$!
        for pid in $one $other; do wait $pid && echo code 0 || echo code $?; done`);
      deepEqual(stdout.match(/^code \d+$/gm)?.toSorted(), ["code 0", "code 75"], stderr);
      match(stderr, /is at work on this host: nothing is changed/);
      const { code } = await operator.tried(
        "flock /run/massacorp-install.lock deploy/uninstall.sh",
      );
      equal(code, 75);
      await until("the API answers", answers, patient);
      equal(await fact(tunnel), before.tunnel);
    },
  );

  await t.step("uninstall.sh keeps data, and another install.sh goes on with them", async () => {
    // To a shell a program; and to systemd in quotes what it is without.
    await shell(`echo 'WG_DNS=1.1.1.1, 9.9.9.9' >> ${settings}; deploy/uninstall.sh`);
    await shell(`sed -i '$d' ${settings}`);
    equal(await fact("ls -R /etc/systemd/system | grep massacorp | grep -v : || true"), "");
    equal(await fact("ip -brief link show wg0 2>/dev/null || true"), "");
    equal(await fact(tunnel), "");
    equal(await fact("nft list tables"), "");
    equal(await shell(kept), before.kept);
    ok((await backups()).some((name) => name.endsWith(".age")));
    await shell("deploy/install.sh");
    equal(await fact("systemctl is-enabled massacorp-backup.timer"), "enabled");
    await until("the API answers through the old tunnel", answers, patient);
    match(await shell("massacorpctl tenant:list"), /platform/);
  });
});
