import assert from "node:assert/strict";
import { dirname } from "node:path";
import { socketFetch } from "../../deploy/local/socket_http.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { publishGateway, type Reply, type RequestOptions, testSecrets } from "./api.ts";
import type { TestCluster } from "./cluster.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { freePort } from "./free_port.ts";
import { type Nginx, type NginxOptions, startNginx } from "./nginx.ts";
import { type RedisServer, redisServer } from "./redis.ts";
import { until } from "./until.ts";
import { keptLines } from "./output.ts";

/** A test plays nginx's clients: of this header, nginx takes where a request comes from. */
const addressHeader = "X-Test-Address";
export const fromHeader = `set_real_ip_from 127.0.0.1; real_ip_header ${addressHeader};`;

/** One API process of several, the real `api/main.ts`. */
export interface ApiProcess {
  port: number;
  log: string[];
  pid(): number;
  /** Straight to it, past nginx, which the test plays: `from` is the peer's address. */
  request(path: string, options: ScaleRequest): Promise<Reply>;
  operator(path: string, options?: OperatorRequest): Promise<{ status: number; body: unknown }>;
  start(): Promise<void>;
  /** Waits for its end. */
  stop(signal?: Deno.Signal): Promise<void>;
}

export type ScaleRequest = Omit<RequestOptions, "via"> & { from: string };
interface OperatorRequest {
  method?: string;
  tenant?: number;
  json?: unknown;
}

/** Several API processes on one PostgreSQL and one Redis, nginx in front. */
export interface Scale extends AsyncDisposable {
  db: TestDatabase;
  redis: RedisServer;
  nginx: Nginx & { folder: string };
  url: string;
  apis: readonly [ApiProcess, ApiProcess, ApiProcess, ...ApiProcess[]];
  /** Through nginx. */
  request(path: string, options: ScaleRequest): Promise<Reply>;
  // deno-lint-ignore no-explicit-any
  operator(path: string, options?: OperatorRequest): Promise<any>;
}

const raisedLimits = {
  RATE_LIMIT_LOGIN: "100000",
  RATE_LIMIT_ANONYMOUS: "100000",
  RATE_LIMIT_AUTHENTICATED: "100000",
  RATE_LIMIT_POLICY: "100000",
};

export interface ScaleOptions {
  env?: Record<string, string>;
  nginx?: Partial<NginxOptions>;
  network?: string;
  /** A PostgreSQL of the test's own. */
  cluster?: TestCluster;
  /** What one of them has beside the rest. */
  envOf?: (n: number, db: TestDatabase) => Record<string, string>;
}

export async function threeApis(options: ScaleOptions = {}): Promise<Scale> {
  await using undo = new AsyncDisposableStack();
  const db = undo.use(await testDatabase(options.cluster ? { on: options.cluster } : {}));
  const redis = undo.use(await redisServer());
  const network = options.network ?? "10.10.0.0/24";
  await publishGateway(db, network);
  const folder = await Deno.makeTempDir({ prefix: "massacorp-scale-" });
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  const client = undo.use(Deno.createHttpClient({ poolMaxIdlePerHost: 100 }));
  const env = {
    ...testSecrets,
    ...raisedLimits,
    LOG_LEVEL: "info",
    API_LISTEN: "loopback",
    TRUSTED_PROXIES: "127.0.0.1",
    WG_NETWORK: network,
    REDIS_URL: redis.url,
    API_PROCESSES: "3",
    DATABASE_URL: db.url("massacorp_api").reveal(),
    DATABASE_PLATFORM_URL: db.url("massacorp_platform").reveal(),
    DATABASE_DIRECT_URL: db.url("massacorp_api").reveal(),
    PASSWORD_CHECK_HIBP: "off",
    // Fifty at once on a busy machine wait their turn.
    DATABASE_POOL_TIMEOUT: "10",
    REDIS_COMMAND_TIMEOUT: "5000",
    WGD_SOCKET: `${folder}/no-daemon.sock`,
    SEALER_SOCKET: `${folder}/no-sealer.sock`,
    ...options.env,
  };
  const make = async (n: number) => {
    const api = await apiProcess({
      folder: `${folder}/${n}`,
      env: { ...env, ...options.envOf?.(n, db) },
      client,
    });
    undo.defer(() => api.stop());
    return api;
  };
  const apis = [await make(0), await make(1), await make(2)] as const;
  await Promise.all(apis.map((api) => api.start()));
  const listen = `127.0.0.1:${freePort()}`;
  const nginx = undo.use(
    await startNginx({
      listen: [listen],
      upstreams: apis.map(({ port }) => port),
      http: fromHeader,
      ...options.nginx,
    }),
  );
  const owned = undo.move();
  return {
    db,
    redis,
    nginx,
    apis: [...apis],
    url: `http://${listen}`,
    request: (path, { from, ...rest }) =>
      send(client, `http://${listen}${path}`, { ...rest, [addressHeader]: from }),
    async operator(path, call) {
      const { status, body } = await apis[0].operator(path, call);
      assert(status < 300, `${path}: ${status} ${JSON.stringify(body)}`);
      return body;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function send(
  client: Deno.HttpClient,
  url: string,
  request: Omit<RequestOptions, "via"> & { "X-Test-Address"?: string; "X-Forwarded-For"?: string },
): Promise<Reply> {
  const headers = new Headers(request.headers);
  for (const name of ["X-Test-Address", "X-Forwarded-For"] as const) {
    if (request[name]) headers.set(name, request[name]);
  }
  if (request.token) headers.set("Authorization", `Bearer ${request.token}`);
  if (request.tenant !== undefined) headers.set("X-Tenant-ID", String(request.tenant));
  const body = request.raw ?? (request.body === undefined ? null : JSON.stringify(request.body));
  if (body !== null) headers.set("Content-Type", "application/json");
  const method = request.method ?? (body === null ? "GET" : "POST");
  const response = await fetch(url, { client, method, headers, body });
  const text = await response.text();
  const json = /[/+]json/.test(response.headers.get("content-type") ?? "") && text !== "";
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: json ? JSON.parse(text) : undefined,
  };
}

async function apiProcess(
  { folder, env, client }: {
    folder: string;
    env: Record<string, string>;
    client: Deno.HttpClient;
  },
): Promise<ApiProcess> {
  await Deno.mkdir(folder, { mode: 0o700 });
  const port = freePort();
  const socket = `${folder}/api.sock`;
  const databases = [env.DATABASE_URL, env.DATABASE_DIRECT_URL].map((url) =>
    new URL(url ?? "").searchParams.get("host")
  );
  const folders = [
    dirname(folder),
    ...new Set(databases),
    ...env.MAIL_FOLDER ? [env.MAIL_FOLDER] : [],
  ]
    .filter((path) => path !== null).join(",");
  const log: string[] = [];
  let running: { child: Deno.ChildProcess; ended: Promise<unknown>; over: boolean } | undefined;
  const collect = async (stream: ReadableStream<Uint8Array>) => {
    for await (const line of keptLines(stream)) log.push(line);
  };
  return {
    port,
    log,
    pid() {
      if (!running) throw new Error("the API is not running");
      return running.child.pid;
    },
    request: (path, { from, ...rest }) =>
      send(client, `http://127.0.0.1:${port}${path}`, { ...rest, "X-Forwarded-For": from }),
    operator: (path, { method, tenant, json } = {}) =>
      socketFetch(socket, `/api/v1${path}`, {
        method: method ?? (json === undefined ? "GET" : "POST"),
        ...(json === undefined ? {} : { json }),
        headers: tenant === undefined ? {} : { "X-Tenant-ID": String(tenant) },
        timeoutMs: 30_000,
      }),
    async start() {
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          ...["run", "--quiet", "--no-check", "-P=api"],
          ...[`--allow-read=./,/usr/bin/ldd,${folders}`, `--allow-write=${folders}`, "api/main.ts"],
        ],
        clearEnv: true,
        env: {
          ...env,
          API_PORT: String(port),
          OPERATOR_SOCKET: socket,
          PATH: Deno.env.get("PATH") ?? "",
          HOME: Deno.env.get("HOME") ?? "/",
          NO_COLOR: "1",
        },
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const ended = Promise.all([child.status, collect(child.stdout), collect(child.stderr)]);
      const mine: NonNullable<typeof running> = { child, ended, over: false };
      running = mine;
      void ended.then(() => mine.over = true);
      const ready = until("the API is ready", async () => {
        return (await socketFetch(socket, "/ready")).status === 200;
      }, { timeoutMs: 90_000 });
      const died = ended.then(() =>
        Promise.reject(new Error(`the API ended:\n${log.slice(-10).join("\n")}`))
      );
      died.catch(() => {});
      await Promise.race([ready, died]);
    },
    async stop(signal = "SIGTERM") {
      if (!running?.over) running?.child.kill(signal);
      await running?.ended;
      running = undefined;
    },
  };
}

/** A user of a tenant, logged in through a peer that nobody owns. */
export interface Member {
  tenantId: number;
  slug: string;
  userId: number;
  email: string;
  password: string;
  /** The peer's address. */
  from: string;
  token: string;
  refreshToken: string;
}

/** A tenant with an admin who is logged in, everything made through the first process. */
export async function adminOn(scale: Scale, slug: string): Promise<Member> {
  const email = `admin@${slug}.example`;
  const { tenant } = await scale.operator("/tenants", {
    json: { slug, name: slug, admin_email: email, enrolment: false },
  });
  const { user, password } = await scale.operator("/users", {
    tenant: tenant.id,
    json: { email, role: "admin" },
  });
  const from = await peerOn(scale, tenant.id);
  return await logInOn(scale, {
    ...{ tenantId: tenant.id, slug, userId: user.id },
    ...{ email, password, from },
  });
}

/** Another user of the same tenant, through the same peer. */
export async function userOn(scale: Scale, admin: Member, role = "user"): Promise<Member> {
  const email = `${crypto.randomUUID().slice(0, 13)}@${admin.slug}.example`;
  const { user, password } = await scale.operator("/users", {
    tenant: admin.tenantId,
    json: { email, role },
  });
  return await logInOn(scale, { ...admin, userId: user.id, email, password });
}

export async function peerOn(scale: Scale, tenant: number): Promise<string> {
  const { publicKey } = await generateKeyPair();
  const name = `peer-${crypto.randomUUID().slice(0, 8)}`;
  const json = { name, public_key: publicKey };
  return (await scale.operator("/wireguard/peers", { tenant, json })).peer.address;
}

export async function logInOn(
  scale: Pick<Scale, "request">,
  who: Omit<Member, "token" | "refreshToken">,
): Promise<Member> {
  const { from, slug, email, password } = who;
  const reply = await scale.request("/api/v1/auth/login", {
    from,
    tenant: slug,
    body: { email, password },
  });
  assert.equal(reply.status, 200, reply.text);
  return { ...who, token: reply.body.access_token, refreshToken: reply.body.refresh_token };
}

/** How many answers there are of each status. */
export const statuses = (replies: readonly Reply[]) =>
  Object.fromEntries(
    [...Map.groupBy(replies, ({ status }) => status)].map((
      [status, same],
    ) => [status, same.length]),
  );

/** So many at once, each to the next process in turn. */
export const spread = (
  scale: Scale,
  count: number,
  send: (api: Scale["apis"][number]) => Promise<Reply>,
) =>
  Promise.all(
    Array.from({ length: count }, (_, n) => send(scale.apis[n % 3] ?? scale.apis[0])),
  );
