import { ok } from "node:assert/strict";
import { join } from "node:path";
import { createClient } from "../../deploy/demo/client.ts";
import type { Outcome } from "../../deploy/demo/run.ts";
import { commandsOf } from "../support/readme.ts";
import { temporaryFolder } from "../support/temporary_folder.ts";
import { bootMachine } from "./machine.ts";

/** Where the API is for whoever is in the tunnel. */
export const api = "http://10.10.0.2:8000";

/** Has backups copy the files of its PostgreSQL, for want of a pg_dump 16: the superuser's password, and where the files are. */
export const copyFiles = `
  umask 077
  password=$(head -c 18 /dev/urandom | base64 | tr '+/' 'ab')
  printf "alter role postgres password '%s'" "$password" | runuser -u postgres -- psql --quiet
  printf 'postgres://postgres:%s@127.0.0.1:5432/postgres' "$password" > /var/lib/massacorp/secrets/supervisor/superuser_url
  cat >> /etc/massacorp/massacorp.env <<'END'
BACKUP_POSTGRES=/var/lib/pg
DATABASE_SUPERUSER_URL_FILE=/var/lib/massacorp/secrets/supervisor/superuser_url
END
`;

/** A machine, who sits at it as root, and a client with the admin's file. */
export async function bootForOperator() {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await temporaryFolder()).path;
  const machine = undo.use(await bootMachine());
  const { hosts } = machine;
  const client = undo.use(
    createClient(hosts.argv("client", [])[3] ?? "", new AbortController().signal),
  );

  const tried = (line: string): Promise<Outcome> => machine.shell(line, { timeoutMs: 120_000 });

  async function shell(line: string): Promise<string> {
    const { success, stdout, stderr } = await tried(line);
    ok(success, `${line}\n${stdout}\n${stderr}`);
    return stdout;
  }

  async function status(path: string, timeoutMs = 2_000): Promise<number | undefined> {
    const outcome = await client.request({ url: `${api}${path}`, timeoutMs });
    return "status" in outcome ? outcome.status : undefined;
  }

  const held = undo.move();
  return {
    folder,
    machine,
    hosts,
    client,
    tried,
    shell,
    /** What a command says, without the end of its line. */
    fact: async (line: string) => (await shell(line)).trim(),
    /** The last lines of what a unit said until now: the journal takes them in its own time. */
    journal: (unit: string, count: number | "all" = "all") =>
      shell(`journalctl --sync; journalctl --no-pager -n ${count} -u ${unit}`),
    status,
    /** Through the tunnel, and with all that it stands on. */
    answers: async () => await status("/ready") === 200,
    /** Does what README says, up to its upgrade. @returns what was said */
    async install(): Promise<string> {
      let said = "";
      for (const command of await commandsOf("### With systemd")) {
        if (command.startsWith("git pull")) break;
        said += await shell(command.replaceAll("vpn.example.org", hosts.address("host")));
      }
      return said;
    },
    /** @param change what is done to the admin's file before */
    async dialIn(change = (text: string) => text): Promise<void> {
      const file = join(folder, `mc${crypto.randomUUID().slice(0, 8)}.conf`);
      const text = await shell("cat /var/lib/massacorp/admin/admin.conf");
      await Deno.writeTextFile(file, change(text));
      await client.load(file);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}
