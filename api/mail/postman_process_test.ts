import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { lines } from "../../lib/lines.ts";
import { adminOf, type TestApi, testApi, testSecrets } from "../../tests/support/api.ts";
import { queueFor } from "../../tests/support/mails.ts";
import { startSmtp } from "../../tests/support/smtp.ts";
import { certificate } from "../../tests/support/smtp_certificate.ts";
import { until } from "../../tests/support/until.ts";

const project = fileURLToPath(new URL("../..", import.meta.url));

interface ApiProcess extends AsyncDisposable {
  log: string[];
  kill(): Promise<void>;
}

/** The API as it runs in production: a process under its permission set. */
async function apiProcess(api: TestApi, env: Record<string, string>): Promise<ApiProcess> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-test-mail-" });
  await Deno.mkdir(`${folder}/operator`, { mode: 0o700 });
  const database = new URL(api.db.url("massacorp_api").reveal()).searchParams.get("host") ?? "";
  const folders = [folder, database, ...(env["MAIL_FOLDER"] ? [env["MAIL_FOLDER"]] : [])].join(",");
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--no-check",
      "-P=api",
      // A flag replaces what the permission set says of the same kind.
      `--allow-read=./,/usr/bin/ldd,${folders}`,
      `--allow-write=${folders}`,
      "api/main.ts",
    ],
    cwd: project,
    clearEnv: true,
    env: {
      ...testSecrets,
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "/",
      API_LISTEN: "loopback",
      API_PORT: String(freePort()),
      DATABASE_URL: api.db.url("massacorp_api").reveal(),
      DATABASE_PLATFORM_URL: api.db.url("massacorp_platform").reveal(),
      OPERATOR_SOCKET: `${folder}/operator/api.sock`,
      WGD_SOCKET: `${folder}/wgd.sock`,
      SEALER_SOCKET: `${folder}/sealer.sock`,
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const log: string[] = [];
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of lines(stream)) log.push(line);
  };
  let over = false;
  const ended = Promise.all([child.status, collect(child.stdout), collect(child.stderr)])
    .then(() => over = true);
  const kill = async () => {
    if (!over) child.kill("SIGKILL");
    await ended;
  };
  return {
    log,
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

const mail = (to: string) => ({
  to,
  locale: "fr" as const,
  template: "password_reset" as const,
  data: { link: "http://10.10.0.1:8000/reset#tenant=1&token=very-secret" },
});

Deno.test("mail: D2: an API killed before it sends, and in the middle of it, loses no mail", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  await queueFor(api, acme.tenantId, mail("ada@acme.example"));
  const attempts = async () => (await api.db.owner`select attempts from mails`)[0]?.attempts;
  let port;
  {
    // A server that never says a word, so that the kill comes while the mail is under way.
    await using silent = await startSmtp("silent");
    port = silent.port;
    await using first = await apiProcess(api, smtp(port));
    await until("the mail is under way", () => silent.connections() > 0, { timeoutMs: 20_000 })
      .catch((cause) => {
        throw new Error(first.log.join("\n"), { cause });
      });
    await first.kill();
  }
  assert.equal(await attempts(), 1);
  // The lease of the dead process ends.
  await api.db.owner`update mails set due_at = now() - interval '1 second'`;
  await using server = await startSmtp("starttls", port);
  await using second = await apiProcess(api, smtp(port));
  const [received] = await server.received(1).catch((cause) => {
    throw new Error(second.log.join("\n"), { cause });
  });
  assert.deepEqual([received?.to, received?.tls], [["ada@acme.example"], true]);
  assert.match(received?.parsed.text ?? "", /token=very-secret/);
  await until("it is done", async () => {
    const [row] = await api.db.owner`select state, attempts, sealed_letter from mails`;
    return row?.state === "sent" && row.attempts === 2 && row.sealed_letter === null;
  });
  assert.doesNotMatch(second.log.join("\n"), /very-secret|ada@acme|NotCapable/);
});

const smtp = (port: number) => ({
  SMTP_URL: `smtp://127.0.0.1:${port}`,
  SMTP_CA: certificate,
  MAIL_FROM: "no-reply@vpn.example",
});

Deno.test("mail: without a server it becomes files that the API's user alone can read", async () => {
  await using api = await testApi();
  const acme = await adminOf(api, "acme");
  const id = await queueFor(api, acme.tenantId, mail("ada@acme.example"));
  const folder = await Deno.makeTempDir();
  await using running = await apiProcess(api, { MAIL_FOLDER: folder });
  const { mode } = await until("the file is there", () => Deno.stat(`${folder}/${id}.eml`), {
    timeoutMs: 20_000,
  }).catch((cause) => {
    throw new Error(running.log.join("\n"), { cause });
  });
  assert.equal((mode ?? 0) & 0o777, 0o600);
  await until("it is done", async () => {
    const [row] = await api.db.owner`select state from mails`;
    return row?.state === "sent";
  });
  await Deno.remove(folder, { recursive: true });
});
