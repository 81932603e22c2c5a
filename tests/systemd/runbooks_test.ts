import { deepEqual, equal, match, ok } from "node:assert/strict";
import { commandsOf } from "../support/readme.ts";
import { until } from "../support/until.ts";
import { powerCut } from "./machine.ts";
import { api, bootForOperator } from "./operator.ts";

const patient = { timeoutMs: 30_000, everyMs: 100 };

Deno.test("systemd: what docs/operations.md and docs/scaling.md say of services is done literally: alerts, keys, passwords, nginx and pgbouncer", async (t) => {
  await using operator = await bootForOperator();
  const { machine, client, shell, fact, answers } = operator;
  const said = await operator.install();
  const password = /password +(\S{24}) /.exec(said)?.[1] ?? "";
  await operator.dialIn();
  await until("the API answers", answers, patient);

  await t.step("what the runbooks of alerts ask first is answered", async () => {
    const commands = (await commandsOf("## When an alert fires", "docs/operations.md"))
      .filter((command) => !/docker|\.massacorp/.test(command));
    ok(commands.length >= 10, commands.join("\n"));
    for (const command of commands) {
      const { code, stdout, stderr } = await machine.shell(command);
      // Of units that do not run at this moment, and of a Redis that is not there.
      const odd = /^systemctl status|grep redis$/.test(command);
      ok(code === 0 || odd, `${command}\n${stdout}\n${stderr}`);
      ok(stdout !== "" || odd || /psql massacorp$/.test(command), command);
    }
  });

  await t.step("a password of the database is changed as the runbook says", async () => {
    const url = "/var/lib/massacorp/secrets/api/database_url";
    const before = await fact(`cat ${url}`);
    for (
      const command of await commandsOf("### Other passwords of the database", "docs/operations.md")
    ) await shell(command);
    const after = await fact(`cat ${url}`);
    deepEqual([after.split("@")[1], after === before], [before.split("@")[1], false]);
    await until("the API answers", answers, patient);
    const opens = async (with_: string) =>
      (await machine.shell(`psql '${with_}' -c 'select 1'`)).success;
    deepEqual([await opens(before), await opens(after)], [false, true]);
  });

  let token = "";
  const me = async () => {
    const reply = await client.request({
      url: `${api}/api/v1/auth/me`,
      headers: { Authorization: `Bearer ${token}` },
      timeoutMs: 10_000,
    });
    return "status" in reply ? reply.status : JSON.stringify(reply);
  };
  const isGood = async () => await me() === 200;
  await t.step(
    "the keys that sign are changed as the runbook says, and nobody notices",
    async () => {
      const login = await client.request({
        url: `${api}/api/v1/auth/login`,
        method: "POST",
        headers: { "X-Tenant-ID": "platform" },
        json: { email: "admin@massacorp.internal", password },
        timeoutMs: 10_000,
      });
      token = /"access_token":"([^"]+)"/.exec(JSON.stringify(login))?.[1] ?? "";
      let shown = "";
      let next = "";
      for (const command of await commandsOf("### Other keys that sign", "docs/operations.md")) {
        shown += await shell(command.replace("9c0f6f2b7f3d1e55", next));
        next ||= /^(\w{16}) +EdDSA +verifies$/m.exec(shown)?.[1] ?? "";
        if (!command.includes("restart")) continue;
        await until("what was signed before is good", isGood, patient);
      }
      match(
        await fact(`massacorpctl jwt:keys ${keys}`),
        new RegExp(`^${next} +EdDSA +signs`, "m"),
      );
    },
  );

  await t.step(
    "several API processes behind nginx, and pgbouncer behind those, as docs/scaling.md says",
    async () => {
      const commands = (await commandsOf("## Several API processes", "docs/scaling.md"))
        // Two are enough.
        .map((command) => command.replace(/ (massacorp-api@)?8002/, ""));
      for (const command of commands) {
        if (!command.includes("rolling-restart")) {
          await shell(command);
          // From here on nginx has the tunnel's addresses.
          if (/restart nginx/.test(command)) await until("nginx answers", answers, patient);
          continue;
        }
        let ended = false;
        const seen = new Set<unknown>();
        const asking = (async () => {
          while (!ended) seen.add(await me());
        })();
        await shell(command).finally(() => ended = true);
        await asking;
        deepEqual([...seen], [200], command);
      }
      await until("the API answers through both", answers, patient);
      match(await shell("massacorpctl tenant:list"), /platform/);
      await shell("systemctl stop pgbouncer");
      await until("without pgbouncer it has no database", async () => !await answers(), patient);
      await shell("systemctl start pgbouncer");
      await until("with it all is well", answers, patient);
    },
  );

  await t.step(
    "after a reboot all of it comes by itself, nginx with the tunnel's addresses",
    async () => {
      await shell(powerCut);
      // What was enabled, and in no order but that of the units.
      await shell("systemctl start --no-block multi-user.target");
      await until("the API answers through all of them", answers, {
        ...patient,
        timeoutMs: 60_000,
      });
      for (const unit of ["massacorp-api@8001", "nginx", "pgbouncer"]) {
        equal(await fact(`systemctl is-active ${unit}`), "active", unit);
      }
    },
  );

  await t.step(
    "a daemon that a wrong setting ended, and its interface gone: mended, all is as before",
    async () => {
      await shell(`printf 'WG_PORT=none\n' >> /etc/massacorp/massacorp.env
      systemctl restart --no-block massacorp-wgd`);
      await until("it has failed", async () => {
        return (await machine.shell("systemctl is-failed massacorp-wgd")).stdout.trim() ===
          "failed";
      }, patient);
      await shell("pkill -9 -x wireguard-go; ip link del wg0 2>/dev/null || true");
      await shell(`sed -i '/^WG_PORT=/d' /etc/massacorp/massacorp.env
      systemctl restart massacorp-wgd`);
      await until("the API answers", answers, { ...patient, timeoutMs: 60_000 });
    },
  );
});

const keys = "/var/lib/massacorp/secrets/api/jwt_keys";
