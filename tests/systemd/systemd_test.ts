import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { createClient } from "../../deploy/demo/client.ts";
import { commandsOf } from "../compose/readme.ts";
import { secretOf, seedSecret } from "../support/output.ts";
import { until } from "../support/until.ts";
import { bootMachine } from "./machine.ts";

const api = "http://10.10.0.2:8000";
const patient = { timeoutMs: 30_000, everyMs: 100 };

Deno.test("systemd: README's commands install services that answer through the tunnel, restart without touching it, and leave their data behind", async (t) => {
  await using undo = new AsyncDisposableStack();
  const own = await Deno.makeTempDir();
  undo.defer(() => Deno.remove(own, { recursive: true }));
  await using machine = await bootMachine();
  const { hosts } = machine;
  const shell = async (line: string): Promise<string> => {
    const { success, stdout, stderr } = await machine.shell(line, { timeoutMs: 120_000 });
    ok(success, `${line}\n${stdout}\n${stderr}`);
    return stdout;
  };
  const fact = async (line: string) => (await shell(line)).trim();
  const pidOf = (unit: string) => fact(`systemctl show --property MainPID --value ${unit}`);
  await using client = createClient(
    hosts.argv("client", [])[3] ?? "",
    new AbortController().signal,
  );
  const answers = async () => {
    const outcome = await client.request({ url: `${api}/ready`, timeoutMs: 2_000 });
    return "status" in outcome && outcome.status === 200;
  };
  let said = "";

  await t.step("every command of the section succeeds", async () => {
    for (const command of await commandsOf("### With systemd")) {
      if (/^git /.test(command)) continue;
      const dialled = command.replaceAll("vpn.example.org", hosts.address("host"));
      said += `$ ${command}\n${await shell(dialled)}`;
    }
    match(said, /nothing is started yet: set WG_ENDPOINT/);
    match(said, /password +\S{24} /);
    match(said, /daemon +ok\n/);
  });

  await t.step("the admin's file leads to the API", async () => {
    const file = join(own, `mc${crypto.randomUUID().slice(0, 8)}.conf`);
    await Deno.writeTextFile(file, await shell("cat /var/lib/massacorp/admin/admin.conf"));
    await client.load(file);
    await until("the API answers", answers, patient);
  });

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
    equal(await fact(`${asApi} ls /var/lib/massacorp`), "");
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
        "journalctl --no-pager; systemctl show 'massacorp-*'; cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'",
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

  await t.step(
    "another install.sh changes neither settings nor secrets nor the tunnel",
    async () => {
      const pid = await pidOf("massacorp-wgd");
      await shell("deploy/install.sh");
      notEqual(await pidOf("massacorp-wgd"), pid);
      equal(await shell(kept), before.kept);
      equal(await fact(tunnel), before.tunnel);
      await until("the API answers", answers, patient);
    },
  );

  await t.step("uninstall.sh keeps data, and another install.sh goes on with them", async () => {
    await shell("deploy/uninstall.sh");
    equal(await fact("ls /etc/systemd/system | grep massacorp || true"), "");
    equal(await fact("ip -brief link show wg0 2>/dev/null || true"), "");
    equal(await fact(tunnel), "");
    equal(await fact("nft list tables"), "");
    equal(await shell(kept), before.kept);
    await shell("deploy/install.sh");
    await until("the API answers through the old tunnel", answers, patient);
    match(await shell("massacorpctl tenant:list"), /platform/);
  });
});
