import { equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import type { Client } from "../../deploy/demo/client.ts";
import { projectFolder } from "../../deploy/local/services.ts";
import { commandsOf } from "../support/readme.ts";
import { until } from "../support/until.ts";
import { api, patient } from "./installation.ts";

/** Does what docs/operations.md says of an installation in containers, with a client beside it. */
export async function followRunbooks(
  t: Deno.TestContext,
  { folder, shell, client, token, isUp }: {
    folder: string;
    shell: (line: string) => Promise<string>;
    client: Client;
    /** Of somebody who stays logged in. */
    token: string;
    isUp: () => Promise<boolean>;
  },
): Promise<void> {
  await t.step("what the runbooks of alerts ask first is answered", async () => {
    const commands = (await commandsOf("## When an alert fires", "docs/operations.md"))
      .filter((command) => /docker|\.massacorp/.test(command));
    ok(commands.length >= 7, commands.join("\n"));
    for (const command of commands) {
      const said = await shell(`${command} </dev/null`);
      ok(said !== "" || command.includes("psql"), command);
    }
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
}
