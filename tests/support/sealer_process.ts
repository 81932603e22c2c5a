import { z } from "zod";
import { socketFetch } from "../../deploy/local/socket_http.ts";
import type { TestDatabase } from "./database.ts";
import { keptLines } from "./output.ts";
import { signingKey } from "./sealer.ts";
import { until } from "./until.ts";

const statusBody = z.object({
  leading: z.boolean(),
  checkpoint: z.int(),
  lag_seconds: z.number(),
});

export interface SealerProcess extends AsyncDisposable {
  /** What its socket says of it. */
  status(): Promise<z.infer<typeof statusBody>>;
  log: string[];
}

/**
 * The sealer as it runs in production: a process under its permission set. What it seals, `verify` looks at.
 * @param folder of its socket
 * @param checkpoints the folder that it signs into
 */
export async function sealerProcess(
  db: TestDatabase,
  { folder, checkpoints }: { folder: string; checkpoints: string },
): Promise<SealerProcess> {
  const socket = `${folder}/sealer.sock`;
  const url = db.url("massacorp_sealer").reveal();
  const folders = [folder, checkpoints, new URL(url).searchParams.get("host")].join(",");
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "-P=sealer", `--allow-read=./,${folders}`]
      .concat(`--allow-write=${folders}`, "sealer/main.ts"),
    clearEnv: true,
    env: {
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "/",
      NO_COLOR: "1",
      SEALER_DATABASE_URL: url,
      SEALER_SOCKET: socket,
      AUDIT_SIGNING_KEY: signingKey.reveal().toBase64(),
      AUDIT_CHECKPOINTS: checkpoints,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const log: string[] = [];
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of keptLines(stream)) log.push(line);
  };
  const ended = Promise.all([child.status, collect(child.stdout), collect(child.stderr)]);
  const made: SealerProcess = {
    log,
    status: async () => statusBody.parse((await socketFetch(socket, "/v1/status")).body),
    async [Symbol.asyncDispose]() {
      // It may have ended by itself, and then its log says why.
      try {
        child.kill("SIGTERM");
      } catch { /* it has */ }
      await ended;
    },
  };
  await Promise.race([
    until("the sealer leads", async () => (await made.status()).leading, { timeoutMs: 60_000 }),
    ended.then(() => Promise.reject(new Error(`the sealer ended:\n${log.join("\n")}`))),
  ]);
  return made;
}
