import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { socketFetch } from "../../deploy/local/socket_http.ts";
import { until } from "../support/until.ts";
import { powerCut, units } from "./machine.ts";
import { bootForOperator } from "./operator.ts";

const patient = { timeoutMs: 60_000, everyMs: 100 };
const settings = "/etc/massacorp/massacorp.env";

Deno.test("systemd: after a reboot without its database the tunnel answers, and of an upgrade that cannot migrate nothing is seen", async (t) => {
  await using operator = await bootForOperator();
  const { machine, tried, shell, fact, status, answers } = operator;
  const pids = async () => {
    const said = await fact(
      `systemctl show --property MainPID --value ${units.slice(1).join(" ")}`,
    );
    ok(/^[1-9]\d*\s+[1-9]\d*\s+[1-9]\d*$/.test(said), said);
    return said;
  };
  const tunnel = () => fact("pgrep -x wireguard-go || true");
  const isWhole = await t.step("it is installed, and the admin's tunnel carries", async () => {
    await operator.install();
    await operator.dialIn();
    await until("the API answers", answers, patient);
    const socket = `/proc/${machine.pid}/root/run/massacorp/wgd/wgd.sock`;
    await until("the snapshot is written", async () => {
      return /snapshot_current 1$/m.test(String((await socketFetch(socket, "/v1/metrics")).body));
    }, patient);
  });
  if (!isWhole) return;

  await t.step(
    "T8: after a reboot without its database the tunnel answers, and with it everything comes by itself",
    async () => {
      await shell(powerCut);
      equal(await tunnel(), "");
      await shell("systemctl start --no-block massacorp.target");
      await until("the API answers through the tunnel", async () => {
        return await status("/health") === 200;
      }, patient);
      equal(await status("/ready", patient.timeoutMs), 503);
      equal(await fact("systemctl is-active postgresql || true"), "inactive");
      // Longer than five starts in ten seconds, after which systemd gives up unless told otherwise.
      const starts = "systemctl show --property NRestarts --value massacorp-migrate";
      await until("it was tried often", async () => Number(await fact(starts)) > 5, patient);
      await shell("systemctl start postgresql");
      await until("all is well again", answers, patient);
      await until("all are up", async () => {
        const states = (await tried(`systemctl is-active ${units.join(" ")}`)).stdout;
        return states.trim().split("\n").every((state) => state === "active");
      }, patient);
      // Its next pass, up to 4 s later, finds the database that it missed.
      await until("the daemon is well again", async () => {
        return /daemon +ok\n/.test(await shell("massacorpctl wg:status"));
      }, patient);
    },
  );

  await t.step(
    "an upgrade whose migration fails, once and again, leaves the version before as it runs",
    async () => {
      await shell(`mkdir -p /tmp/next/upper /tmp/next/work /srv/next
        mount -t overlay next -o lowerdir=/srv/massacorp,upperdir=/tmp/next/upper,workdir=/tmp/next/work /srv/next
        echo 'select 1/0;' > /srv/next/db/migrations/9999_next.sql`);
      const files =
        "sha256sum /etc/systemd/system/massacorp* /usr/local/sbin/massacorpctl; ls /opt/massacorp/db/migrations";
      const before = { pids: await pids(), tunnel: await tunnel(), files: await shell(files) };
      for (const _ of ["once", "again"]) {
        const { success, stderr } = await tried(
          "echo '# new' >> /srv/next/deploy/systemd/massacorp-api.service; /srv/next/deploy/install.sh",
        );
        equal(success, false);
        match(stderr, /cannot be migrated.*goes on.*journalctl -u massacorp-upgrade/s);
        deepEqual(
          { pids: await pids(), tunnel: await tunnel(), files: await shell(files) },
          before,
        );
        equal(await status("/ready", patient.timeoutMs), 200);
      }
      match(await operator.journal("massacorp-upgrade"), /division by zero/);
    },
  );

  await t.step(
    "mended, it is installed; and back to the version before is one command",
    async () => {
      const before = await pids();
      await shell(
        "echo 'select 1;' > /srv/next/db/migrations/9999_next.sql; /srv/next/deploy/install.sh",
      );
      await until("it answers", answers, patient);
      notEqual(await pids(), before);
      await shell("test -e /opt/massacorp/db/migrations/9999_next.sql");
      match(await shell("cat /etc/systemd/system/massacorp-api.service"), /# new$/m);
      const door = await tunnel();

      await shell("/srv/next/deploy/install.sh --back");
      await until("it answers", answers, patient);
      equal(await tunnel(), door);
      equal((await tried("test -e /opt/massacorp/db/migrations/9999_next.sql")).success, false);
      ok(!/# new$/m.test(await shell("cat /etc/systemd/system/massacorp-api.service")));
      equal((await tried("/srv/next/deploy/install.sh --back")).success, false);

      // The older program finds a newer database at its next start, and says so once.
      await shell(powerCut);
      await shell("systemctl start postgresql; systemctl start --no-block massacorp.target");
      await until("it answers after a reboot as well", answers, patient);
      equal(await fact("systemctl show --property Result --value massacorp-migrate"), "exit-code");
    },
  );

  await t.step(
    "O9: a program that was only installed, and serves since, is the one to go back to",
    async () => {
      const unit = "/etc/systemd/system/massacorp-api.service";
      const before = { pids: await pids(), units: await shell(`cat ${unit}`) };
      const { success, stderr } = await tried("/srv/next/deploy/install.sh --no-start");
      equal(success, false);
      match(stderr, /would take the program from massacorp-api.service massacorp-sealer.*stop/);
      deepEqual({ pids: await pids(), units: await shell(`cat ${unit}`) }, before);

      const install = (mark: string, how = "") =>
        shell(`echo '# ${mark}' >> /srv/next/deploy/systemd/massacorp-api.service
          /srv/next/deploy/install.sh ${how}`);
      // The target alone does not wait for those that drain.
      await shell(`systemctl stop massacorp.target ${units.join(" ")}`);
      await install("second", "--no-start");
      // Never tried, so not what anybody goes back to.
      await install("third", "--no-start");
      await shell("systemctl start massacorp.target");
      await until("it answers", answers, patient);
      await install("fourth");
      match(await shell(`cat ${unit}`), /# fourth$/m);
      await shell("/srv/next/deploy/install.sh --back");
      deepEqual((await shell(`cat ${unit}`)).match(/^# (second|third|fourth)$/gm), [
        "# second",
        "# third",
      ]);
      await until("the program before answers", answers, patient);
    },
  );

  await t.step(
    "O6: a fault of the settings is a failure with its words at once, and who is killed while he starts is back at once",
    async () => {
      const three = units.slice(1);
      await shell(`printf 'WG_NETWORK=10.10.0.0/33\nAUDIT_RETENTION_MONTHS=never\n' >> ${settings}
        systemctl restart --no-block massacorp.target`);
      await until("all three have failed", async () => {
        const states = (await tried(`systemctl is-failed ${three.join(" ")}`)).stdout;
        return states.trim() === "failed\nfailed\nfailed";
      }, { timeoutMs: 20_000, everyMs: 100 });
      for (const [unit, word] of [["wgd", "WG_NETWORK"], ["sealer", "AUDIT_RETENTION_MONTHS"]]) {
        match(await operator.journal(`massacorp-${unit}`, 20), new RegExp(`${word}: `));
      }
      match(await operator.journal("massacorp-api", 20), /WG_NETWORK: /);
      for (const unit of three) {
        equal(await fact(`systemctl show -P ExecMainStatus ${unit}`), "78", unit);
      }
      await shell(`sed -i '/^WG_NETWORK=\\|^AUDIT_RETENTION/d' ${settings}
        systemctl restart massacorp.target`);
      await until("it answers with the faults mended", answers, patient);

      const began = Date.now();
      await shell(`systemctl restart --no-block massacorp-sealer
        until [ "$(systemctl show -P SubState massacorp-sealer)" = start-post ]; do :; done
        kill -9 "$(systemctl show -P MainPID massacorp-sealer)"`);
      await until("it is up", async () => {
        return (await tried("systemctl is-active massacorp-sealer")).stdout.trim() === "active";
      }, patient);
      equal(await fact("systemctl show -P NRestarts massacorp-sealer"), "1");
      ok(Date.now() - began < 20_000, "it was waited for as if it lived");
    },
  );
});
