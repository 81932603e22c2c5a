import assert from "node:assert/strict";
import { createClient } from "../../deploy/demo/client.ts";
import { socketFetch } from "../../deploy/local/socket_http.ts";
import { deriveSubkey } from "../../lib/seal.ts";
import { Secret } from "../../lib/secret.ts";
import { testSecrets } from "./api.ts";
import type { TestCluster } from "./cluster.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { type Namespaces, namespaces, uniqueInterface } from "./netns.ts";
import { until } from "./until.ts";
import { TestDaemon } from "./wgd.ts";
import { keptLines } from "./output.ts";

/** The address of the API inside the tunnel. */
export const apiUrl = "http://10.10.0.2:8000";

/** The whole product as real processes: PostgreSQL, daemon and API on one host, clients on others. */
export interface Stack extends AsyncDisposable {
  db: TestDatabase;
  net: Namespaces;
  daemon: TestDaemon;
  log: string[];
  startApi(): Promise<void>;
  stopApi(signal?: Deno.Signal): Promise<void>;
  /** As the operator, over the operator's socket. */
  operator(
    path: string,
    call?: {
      method?: string;
      tenant?: string | number;
      json?: unknown;
      headers?: Record<string, string>;
    },
    // deno-lint-ignore no-explicit-any
  ): Promise<{ status: number; body: any }>;
  /** A client's host with `config` loaded by wg-quick. */
  client(role: string, config: string): Promise<StackClient>;
}

export interface StackClient extends AsyncDisposable {
  /** Of its interface. */
  name: string;
  request(
    path: string,
    call?: {
      method?: string;
      headers?: Record<string, string>;
      json?: unknown;
      timeoutMs?: number;
      /** Of the API, instead of its usual one. */
      baseUrl?: string;
    },
    // deno-lint-ignore no-explicit-any
  ): Promise<{ status: number; body: any } | { error: string }>;
}

export function stack(...roles: string[]): Promise<Stack> {
  return stackOn({}, ...roles);
}

/**
 * The same on a PostgreSQL of the test's own, or with other settings of daemon and API. They are read at each start.
 */
export async function stackOn(
  { cluster, env = {}, programs }: {
    cluster?: TestCluster;
    env?: Record<string, string>;
    /** Put before the PATH of the daemon, to replace a program. */
    programs?: string;
  },
  ...roles: string[]
): Promise<Stack> {
  await using undo = new AsyncDisposableStack();
  const db = undo.use(await testDatabase(cluster ? { on: cluster } : {}));
  const net = undo.use(await namespaces<string>("server", ...roles));
  const key = Uint8Array.from(atob(testSecrets.ENCRYPTION_KEY), (char) => char.charCodeAt(0));
  const subkey = await deriveSubkey(new Secret(key), "wireguard-preshared-key");
  const daemon = undo.use(
    await TestDaemon.create(db, net, { env, subkey, ...(programs ? { programs } : {}) }),
  );
  const operatorFolder = `${daemon.folder}/operator`;
  await Deno.mkdir(operatorFolder, { mode: 0o700 });
  const operatorSocket = `${operatorFolder}/api.sock`;
  const log: string[] = [];
  let running: { child: Deno.ChildProcess; ended: Promise<unknown> } | undefined;

  const made: Stack = {
    db,
    net,
    daemon,
    log,
    async startApi() {
      const child = spawnApi(made, operatorSocket, env);
      const collect = async (stream: ReadableStream<Uint8Array>) => {
        for await (const line of keptLines(stream)) log.push(line);
      };
      const ended = Promise.all([child.status, collect(child.stdout), collect(child.stderr)]);
      running = { child, ended };
      await Promise.race([
        until("the API answers its operator", async () => {
          return (await socketFetch(operatorSocket, "/health")).status === 200;
        }, { timeoutMs: 60_000 }),
        ended.then(() => Promise.reject(new Error(`the API ended:\n${log.join("\n")}`))),
      ]);
    },
    async stopApi(signal = "SIGTERM") {
      running?.child.kill(signal);
      await running?.ended;
      running = undefined;
    },
    operator: (path, { method, tenant, json, headers } = {}) =>
      socketFetch(operatorSocket, `/api/v1${path}`, {
        method: method ?? (json === undefined ? "GET" : "POST"),
        ...(json === undefined ? {} : { json }),
        headers: { ...(tenant === undefined ? {} : { "X-Tenant-ID": String(tenant) }), ...headers },
        // Of 200 at once on a busy machine the last one waits long.
        timeoutMs: 120_000,
      }),
    async client(role, config) {
      const name = uniqueInterface();
      const file = `${daemon.folder}/${name}.conf`;
      await Deno.writeTextFile(file, config, { mode: 0o600 });
      const [namespace = ""] = net.argv(role, []).slice(3);
      const client = createClient(namespace, new AbortController().signal);
      await client.load(file);
      return {
        name,
        request: (path, { timeoutMs = 30_000, baseUrl = apiUrl, ...call } = {}) =>
          client.request({ url: baseUrl + path, timeoutMs, ...call }),
        [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
      };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
  undo.defer(() => made.stopApi("SIGKILL"));
  const owned = undo.move();
  return made;
}

function spawnApi(
  { db, net, daemon }: Stack,
  operatorSocket: string,
  env: Record<string, string>,
): Deno.ChildProcess {
  const urls = [db.url("massacorp_api").reveal(), ...env.DATABASE_URL ? [env.DATABASE_URL] : []];
  const databases = urls.map((url) => new URL(url).searchParams.get("host"));
  const folders = [daemon.folder, ...databases].join(",");
  const [program = "", ...args] = net.argv("server", [
    // A flag replaces what the permission set says of the same kind.
    ...[Deno.execPath(), "run", "-P=api", `--allow-read=./,/usr/bin/ldd,${folders}`],
    ...[`--allow-write=${folders}`, "api/main.ts"],
  ]);
  return new Deno.Command(program, {
    args,
    clearEnv: true,
    env: {
      ...testSecrets,
      PATH: Deno.env.get("PATH") ?? "",
      HOME: Deno.env.get("HOME") ?? "/",
      NO_COLOR: "1",
      DATABASE_URL: db.url("massacorp_api").reveal(),
      DATABASE_PLATFORM_URL: db.url("massacorp_platform").reveal(),
      OPERATOR_SOCKET: operatorSocket,
      MAIL_FOLDER: `${daemon.folder}/operator`,
      WGD_SOCKET: daemon.socket,
      // Nobody serves it here; what the API may read is said above.
      SEALER_SOCKET: `${daemon.folder}/sealer.sock`,
      LOG_LEVEL: "debug",
      PASSWORD_CHECK_HIBP: "off",
      // On a machine that others keep busy, a database that is up may say nothing for longer than the usual 800 ms.
      DATABASE_POOL_TIMEOUT: "10s",
      // Nor is a daemon away that takes longer than the usual 2 s there: what is done with the answer is told with it.
      WG_APPLY_TIMEOUT: "30",
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

export interface StackTenant {
  id: number;
  slug: string;
  adminId: number;
  email: string;
  password: string;
}

/** A tenant, and its admin made by the operator. */
export async function tenantOn({ operator }: Stack, slug: string): Promise<StackTenant> {
  const email = `admin@${slug}.example`;
  const made = await operator("/tenants", {
    json: { slug, name: slug, admin_email: email, enrolment: false },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id } = made.body.tenant;
  const { status, body } = await operator("/users", { tenant: id, json: { email, role: "admin" } });
  assert.equal(status, 201, JSON.stringify(body));
  return { id, slug, adminId: body.user.id, email, password: body.password };
}

/** A peer by way of the operator, as created: `peer` and `config`. */
export async function peerOn(
  { operator }: Stack,
  tenant: StackTenant,
  json: Record<string, unknown> = {},
) {
  const { status, body } = await operator("/wireguard/peers", {
    tenant: tenant.id,
    json: { name: "peer", ...json },
  });
  assert.equal(status, 201, JSON.stringify(body));
  return body;
}

/** The answer of a request that must get one. */
export async function ask(client: StackClient, ...call: Parameters<StackClient["request"]>) {
  const outcome = await client.request(...call);
  assert("status" in outcome, Deno.inspect(outcome));
  return outcome;
}
