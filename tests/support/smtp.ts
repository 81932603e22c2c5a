import { fileURLToPath } from "node:url";
import { type ParsedMail, simpleParser } from "mailparser";
import { Buffer } from "node:buffer";
import { lines } from "../../lib/lines.ts";
import { freePort } from "./free_port.ts";
import { until } from "./until.ts";

/** A mail as a server took it over. */
export interface ReceivedMail {
  from: string;
  to: string[];
  /** Whether the connection was encrypted. */
  tls: boolean;
  raw: string;
  parsed: ParsedMail;
}

export type SmtpMode = "plain" | "starttls" | "tls" | "auth" | "silent";

/** A mail server in a process of its own; see smtp_process.ts for what it does. */
export interface TestSmtp extends AsyncDisposable {
  port: number;
  /** What it has taken over so far. */
  mails: ReceivedMail[];
  connections(): number;
  /** Waits until it has as many mails; a process that has to start first takes its time. */
  received(count: number): Promise<ReceivedMail[]>;
  /** Kills it; the port is free then. */
  stop(): Promise<void>;
}

export async function startSmtp(
  mode: SmtpMode = "plain",
  port = freePort(),
): Promise<TestSmtp> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      fileURLToPath(new URL("smtp_process.ts", import.meta.url)),
      mode,
      String(port),
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const mails: ReceivedMail[] = [];
  let listening = 0;
  let connections = 0;
  const reading = (async () => {
    for await (const line of lines(child.stdout)) {
      const event = JSON.parse(line);
      if (event.event === "listening") listening = event.port;
      if (event.event === "connection") connections = event.n;
      if (event.event === "mail") {
        const bytes = Buffer.from(event.raw, "base64");
        const { from, to, tls } = event;
        mails.push({ from, to, tls, raw: bytes.toString(), parsed: await simpleParser(bytes) });
      }
    }
  })();
  await until("the mail server listens", () => listening > 0);
  let stopped = false;
  const stop = async () => {
    if (!stopped) child.kill("SIGKILL");
    stopped = true;
    await child.status;
    await reading.catch(() => {});
  };
  return {
    port: listening,
    mails,
    connections: () => connections,
    async received(count) {
      await until(`${count} mails`, () => mails.length >= count, { timeoutMs: 60_000 });
      return mails;
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
