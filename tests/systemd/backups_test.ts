import { deepEqual, equal, match, ok } from "node:assert/strict";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { commandsOf } from "../support/readme.ts";
import { until } from "../support/until.ts";
import { makeCluster } from "./machine.ts";
import { bootForOperator, copyFiles } from "./operator.ts";

const settings = "/etc/massacorp/massacorp.env";
const patient = { timeoutMs: 30_000, everyMs: 100 };

Deno.test("systemd: backups are made every night, WAL is archived between them, and on an empty machine they bring everything back", async (t) => {
  await using operator = await bootForOperator();
  const { machine, shell, fact, answers } = operator;
  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const backups = async () => (await fact("ls /var/backups/massacorp")).split("\n");
  await operator.install();
  await operator.dialIn();
  await shell(copyFiles);
  const section = await commandsOf("### With systemd");
  for (const command of section.slice(section.indexOf("git pull") + 1)) {
    await shell(command.replaceAll("age1…", recipient));
  }

  await t.step(
    "the timer makes backups that nobody but root reads, and its service no more",
    async () => {
      const made = await backups();
      const unit = "/run/systemd/system/massacorp-backup.timer.d/now.conf";
      await shell(`install -D -m 644 /dev/stdin ${unit} <<'UNIT'
[Timer]
OnCalendar=
OnCalendar=*:*:*
AccuracySec=1s
RandomizedDelaySec=0
UNIT
systemctl daemon-reload
systemctl restart massacorp-backup.timer`);
      await until("the timer has made another one", async () => {
        return (await backups()).filter((name) => name.endsWith(".age") && !made.includes(name))
          .length > 0;
      }, patient);
      await shell(`rm ${unit}; systemctl daemon-reload; systemctl restart massacorp-backup.timer`);
      equal(await fact("systemctl is-enabled massacorp-backup.timer"), "enabled");
      const modes = await fact(
        "stat --format '%a %U' /var/backups/massacorp /var/backups/massacorp/*.age",
      );
      deepEqual([...new Set(modes.split("\n"))], ["700 root", "600 root"]);

      // Its folder gone, as where somebody put the recipients in and did not run install.sh; and another one named.
      await shell(`systemctl stop massacorp-backup
        mv /var/backups/massacorp /root/gone; systemctl start massacorp-backup`);
      equal((await backups()).filter((name) => name.endsWith(".age")).length, 1);
      await shell("cp -a /root/gone/. /var/backups/massacorp/");
      const { success } = await machine.shell(
        `echo BACKUP_FOLDER=/srv/b >> ${settings}; systemctl start massacorp-backup`,
      );
      equal(success, false);
      await shell(`sed -i '$d' ${settings}`);
      match(
        await operator.journal("massacorp-backup", 20),
        /BACKUP_FOLDER: massacorp-backup.service writes to .* mount \/srv\/b there/,
      );
    },
  );

  await t.step(
    "the runbook's archive of WAL is encrypted, and takes what the server hands in",
    async () => {
      for (const command of await commandsOf("## Point-in-time recovery", "docs/operations.md")) {
        if (/massacorp (up|restore|backup)|64201|pg_archivecleanup/.test(command)) continue;
        await shell(command);
      }
      const psql = "runuser -u postgres -- psql -Atc";
      await until(
        "PostgreSQL is back",
        async () => (await machine.shell(`${psql} 'select pg_switch_wal()'`)).success,
        patient,
      );
      await until(
        "a segment is archived",
        async () => /\.gz\.age$/m.test(await fact("ls /var/lib/wal")),
        patient,
      );
      match(await shell("head -qn 1 /var/lib/wal/*.gz.age"), /^age-encryption\.org\/v1$/m);
      equal(await fact(`${psql} 'select failed_count from pg_stat_archiver'`), "0");

      // Of two backups one is gone: the nightly unit takes what only that one needed.
      await shell("systemctl start massacorp-backup; rm -r /var/backups/massacorp/*");
      const pieces = async () =>
        (await fact("ls /var/lib/wal")).split("\n").filter((name) => name.endsWith(".age"));
      const last = await fact(`${psql} 'select pg_walfile_name(pg_switch_wal())'`);
      await until(
        "what comes before the next backup is archived",
        async () => (await pieces()).some((name) => name.startsWith(last)),
        patient,
      );
      const older = await pieces();
      await shell("systemctl start massacorp-backup");
      const begin = await fact("cat /var/backups/massacorp/*.wal");
      ok(older.some((name) => name < begin));
      deepEqual((await pieces()).filter((name) => name < begin), []);
      match(
        await operator.journal("massacorp-backup", 5),
        /archive +[1-9]\d* piece\(s\) of WAL/,
      );
    },
  );

  await t.step(
    "on an empty machine the runbook brings a backup back, tunnels included",
    async () => {
      await shell(`sed -i 's/^BACKUP_RECIPIENTS=\\(.*\\)/BACKUP_RECIPIENTS="\\1"/' ${settings}`);
      const [, made = ""] = /^backup +(\S+\.age),/m.exec(await shell("massacorpctl backup")) ?? [];
      await shell(`
      printf '%s\n' '${identity}' > /root/massacorp-backup.key
      massacorpctl backup --verify ${made} --identity /root/massacorp-backup.key
      deploy/uninstall.sh
      systemctl stop postgresql
      rm -rf /var/lib/massacorp /var/lib/pg
      ${makeCluster}
      systemctl start postgresql`);
      for (const command of await commandsOf("### With systemd", "docs/operations.md")) {
        await shell(
          command.replaceAll("FILE", made)
            .replaceAll("massacorp-backup.key", "/root/massacorp-backup.key")
            .replaceAll("/var/lib/postgresql/16/main", "/var/lib/pg")
            .replaceAll("/var/lib/postgresql/16/", "/var/lib/pg-"),
        );
      }
      await until("the API answers through the old tunnel", answers, patient);
      match(await shell("massacorpctl audit:verify"), /^intact$/m);
    },
  );
});
