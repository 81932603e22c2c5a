import { heapFlags } from "../../../api/process/heap.ts";
import { socketFetch } from "../../../deploy/local/socket_http.ts";
import { testSecrets } from "../../support/api.ts";
import type { TestCluster } from "../../support/cluster.ts";
import { type TestDatabase, testDatabase } from "../../support/database.ts";
import { freePort } from "../../support/free_port.ts";
import { keptLines, outputIsKept } from "../../support/output.ts";
import { until } from "../../support/until.ts";
import { ask, type Asked } from "../keep_alive.ts";

/** Limits that the bench raises, and says so: what is measured is work, not its refusal. */
export const raised = {
  RATE_LIMIT_LOGIN: "1000000",
  RATE_LIMIT_ANONYMOUS: "1000000",
  RATE_LIMIT_AUTHENTICATED: "1000000",
  RATE_LIMIT_POLICY: "1000000",
} as const;

/** The API as a process of its own, on loopback and a database of its own. */
export interface ApiProcess extends AsyncDisposable {
  url: string;
  port: number;
  pid: number;
  db: TestDatabase;
  // deno-lint-ignore no-explicit-any
  operator(path: string, json?: unknown, tenant?: number): Promise<any>;
  /** From the start of the process until it said that it is ready, in ms. */
  readyMs: number;
  /** Resident memory, in bytes. */
  resident(): Promise<number>;
}

/**
 * @param options.cluster its PostgreSQL, where it must not be the one that forgets
 * @param options.env more settings
 * @param options.wrap a command that runs it, such as `prlimit`
 */
export async function apiProcess(
  { cluster, env = {}, wrap = [] }: {
    cluster?: TestCluster;
    env?: Record<string, string>;
    wrap?: readonly string[];
  } = {},
): Promise<ApiProcess> {
  await using undo = new AsyncDisposableStack();
  const db = undo.use(
    await testDatabase({ lockTimeout: null, ...(cluster ? { on: cluster } : {}) }),
  );
  const folder = await Deno.makeTempDir({ prefix: "massacorp-bench-api-" });
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.mkdir(`${folder}/operator`, { mode: 0o700 });
  const operatorSocket = `${folder}/operator/api.sock`;
  const databaseUrl = db.url("massacorp_api").reveal();
  const folders = `${folder},${new URL(databaseUrl).searchParams.get("host")}`;
  const port = freePort();
  const started = performance.now();
  const [program = "", ...before] = [...wrap, Deno.execPath()];
  const child = new Deno.Command(program, {
    args: [
      ...before,
      ...["run", "--quiet", "-P=api", heapFlags, `--allow-read=./,/usr/bin/ldd,${folders}`],
      ...[`--allow-write=${folders}`, "api/main.ts"],
    ],
    clearEnv: true,
    env: {
      ...testSecrets,
      ...raised,
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "/",
      NO_COLOR: "1",
      LOG_LEVEL: "info",
      API_LISTEN: "loopback",
      API_PORT: String(port),
      DATABASE_URL: databaseUrl,
      DATABASE_PLATFORM_URL: db.url("massacorp_platform").reveal(),
      OPERATOR_SOCKET: operatorSocket,
      WGD_SOCKET: `${folder}/no-daemon.sock`,
      SEALER_SOCKET: `${folder}/no-sealer.sock`,
      MAIL_TRANSPORT: "console",
      PASSWORD_CHECK_HIBP: "off",
      ...env,
    },
    stdin: "null",
    // Where a bench measures, nobody reads: what is written is thrown away, as cheaply as it can be.
    stdout: outputIsKept ? "piped" : "null",
    stderr: outputIsKept ? "piped" : "inherit",
  }).spawn();
  const keep = async (stream: ReadableStream<Uint8Array>) => {
    for await (const _ of keptLines(stream)) { /* it is kept, that is all */ }
  };
  const heard = outputIsKept ? Promise.all([keep(child.stdout), keep(child.stderr)]) : undefined;
  undo.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
    await heard;
  });
  await until("the API answers its operator", async () => {
    return (await socketFetch(operatorSocket, "/ready")).status === 200;
  }, { timeoutMs: 90_000 });
  const readyMs = performance.now() - started;
  const owned = undo.move();
  return {
    url: `http://127.0.0.1:${port}/api/v1`,
    port,
    pid: child.pid,
    db,
    readyMs,
    async operator(path, json, tenant) {
      const { status, body } = await socketFetch(operatorSocket, `/api/v1${path}`, {
        ...(json === undefined ? {} : { method: "POST", json }),
        headers: tenant === undefined ? {} : { "X-Tenant-ID": String(tenant) },
      });
      if (status >= 300) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`);
      return body;
    },
    async resident() {
      const status = await Deno.readTextFile(`/proc/${child.pid}/status`);
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A user who can log in. */
export interface Account {
  tenantId: number;
  email: string;
  password: string;
}

/** A tenant with so many admins. */
export async function accounts(
  { operator }: ApiProcess,
  { slug, count }: { slug: string; count: number },
): Promise<Account[]> {
  const { tenant } = await operator("/tenants", {
    slug,
    name: slug,
    admin_email: `first@${slug}.example`,
    enrolment: false,
  });
  return await Promise.all(
    Array.from({ length: count }, async (_, n) => {
      const email = `user${n}@${slug}.example`;
      const { password } = await operator("/users", { email, role: "admin" }, tenant.id);
      return { tenantId: tenant.id, email, password };
    }),
  );
}

/** @returns the pair of tokens. @throws where the log-in is refused */
export async function logIn(
  { url }: Pick<ApiProcess, "url">,
  { tenantId, email, password }: Account,
): Promise<{ access_token: string; refresh_token: string }> {
  return await answerOf(`${url}/auth/login`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Tenant-ID": String(tenantId) },
    body: JSON.stringify({ email, password }),
  });
}

/** The body of a good answer. @throws for any other */
// deno-lint-ignore no-explicit-any
export async function answerOf(url: string, asked: Asked): Promise<any> {
  const { status, text } = await ask(url, asked);
  if (status >= 300) throw new Error(`${url}: ${status} ${text}`);
  return JSON.parse(text);
}
