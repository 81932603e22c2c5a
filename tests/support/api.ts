import assert from "node:assert/strict";
import { createApp } from "../../api/app.ts";
import type { Timer } from "../../api/auth/failure_floor.ts";
import { buildDeps } from "../../api/build_deps.ts";
import { loadConfig } from "../../api/config.ts";
import type { AppEnv } from "../../api/context.ts";
import type { Deps } from "../../api/deps.ts";
import { createLogger } from "../../lib/log.ts";
import { generateKeyPair } from "../../lib/wireguard_key.ts";
import { throughBalancer } from "./balanced.ts";
import { FakeClock } from "./clock.ts";
import type { TestCluster } from "./cluster.ts";
import { type TestDatabase, testDatabase } from "./database.ts";
import { keepOutput, seedSecret } from "./output.ts";

/** Secrets of test APIs; the scan of logs looks for them. */
export const testSecrets = {
  JWT_SECRET: "tLwq0mXb9GvN4r7JzKcY2pHfUe6sDaQi",
  ENCRYPTION_KEY: "83PoHdK+nBhmx1m1ccNEKREotL7f/BHiw+dXGeuQMuA=",
};

export interface Reply {
  status: number;
  headers: Headers;
  /** The parsed body, where it is JSON. */
  // deno-lint-ignore no-explicit-any
  body: any;
  text: string;
}

export interface RequestOptions {
  method?: string;
  body?: unknown;
  /** A body as it stands, instead of `body`. */
  raw?: BodyInit;
  token?: string;
  tenant?: string | number;
  headers?: Record<string, string>;
  /** The listener and source address; the operator's socket where absent. */
  via?: AppEnv["Bindings"];
}

/** A whole API in this process, on a database of its own, with no daemon unless the test brings one. */
export interface TestApi extends AsyncDisposable {
  db: TestDatabase;
  deps: Deps;
  rolesAreSafe(): Promise<void>;
  clock: FakeClock;
  /** Everything that was logged so far. */
  log: string[];
  /** How long requests would have waited, in ms; in a test nobody does. */
  pauses: number[];
  request(path: string, options?: RequestOptions): Promise<Reply>;
  /** The answer as it comes, for one that is streamed. */
  fetch(path: string, options?: RequestOptions): Promise<Response>;
  /** The same for an answer that is no text. */
  requestBytes(
    path: string,
    options?: RequestOptions,
  ): Promise<{ status: number; headers: Headers; bytes: Uint8Array<ArrayBuffer> }>;
}

export const operator: AppEnv["Bindings"] = { listener: "operator", address: null };
export const loopback: AppEnv["Bindings"] = { listener: "loopback", address: "127.0.0.1" };
export const tunnelFrom = (address: string): AppEnv["Bindings"] => ({
  listener: "tunnel",
  address,
});

export async function testApi(
  options: {
    env?: Record<string, string>;
    gateway?: boolean;
    network?: string;
    cluster?: TestCluster;
    /** Another API that is there already: this one works on the same database, by the same clock. */
    beside?: TestApi;
    /** A database that the caller disposes of, instead of one of its own. */
    db?: TestDatabase;
    /** For what measures time; nobody waits where it is absent. */
    timer?: Timer;
    /**
     * Why the test cannot speak to its app through nginx and three processes (`deno task test:scale`): what it looks at
     * or puts in lies in this process. Listed there.
     */
    inProcess?: string;
  } = {},
): Promise<TestApi> {
  const { beside } = options;
  const db = options.db ?? beside?.db ??
    await testDatabase(options.cluster ? { on: options.cluster } : {});
  const clock = beside?.clock ?? new FakeClock();
  const log: string[] = [];
  const pauses: number[] = [];
  const network = options.network ?? "10.10.0.0/24";
  const env = {
    ...testSecrets,
    API_LISTEN: "loopback",
    DATABASE_URL: db.url("massacorp_api").reveal(),
    DATABASE_PLATFORM_URL: db.url("massacorp_platform").reveal(),
    // Raised here, and held to what production has in the tests of the limits themselves.
    RATE_LIMIT_LOGIN: "100000",
    RATE_LIMIT_ANONYMOUS: "100000",
    RATE_LIMIT_AUTHENTICATED: "100000",
    RATE_LIMIT_POLICY: "100000",
    DATABASE_POOL_SIZE: "8",
    DATABASE_MAX_OVERFLOW: "0",
    // Fifty at once on a busy machine wait their turn.
    DATABASE_POOL_TIMEOUT: "30",
    // The least that is taken: tests hash some thousand times.
    PASSWORD_HASH_PASSES: "2",
    // No test leaves the machine; those of the question itself bring a server of their own.
    PASSWORD_CHECK_HIBP: "off",
    WGD_SOCKET: `/tmp/massacorp-test-no-daemon-${crypto.randomUUID()}.sock`,
    SEALER_SOCKET: `/tmp/massacorp-test-no-sealer-${crypto.randomUUID()}.sock`,
    OPERATOR_SOCKET: "/unused",
    ALLOWED_HOSTS: "api.test",
    WG_NETWORK: network,
    ...options.env,
  };
  const config = loadConfig(env);
  const { deps, rolesAreSafe, close } = await buildDeps({
    config,
    clock,
    log: createLogger({ level: "debug", clock, write: (line) => log.push(keepOutput(line)) }),
    timer: options.timer ?? {
      now: () => performance.now(),
      pause(ms) {
        pauses.push(ms);
        return Promise.resolve();
      },
    },
  });
  const app = createApp(deps);
  const balanced = await throughBalancer(
    { env, clock, log, pauses },
    options.inProcess ?? (options.timer ? "measures time" : undefined),
  );
  const fetch: TestApi["fetch"] = async (path, request = {}) => {
    const headers = new Headers(request.headers);
    if (request.token) headers.set("Authorization", `Bearer ${request.token}`);
    if (request.tenant !== undefined) headers.set("X-Tenant-ID", String(request.tenant));
    const body = request.raw ?? (request.body === undefined ? null : JSON.stringify(request.body));
    if (body !== null && !headers.has("Content-Type")) {
      headers.set("Content-Type", "application/json");
    }
    const method = request.method ?? (body === null ? "GET" : "POST");
    return await (balanced ?? app).fetch(
      new Request(`http://api.test${path}`, { method, headers, body }),
      request.via ?? operator,
    );
  };
  const send: TestApi["requestBytes"] = async (path, request) => {
    const response = await fetch(path, request);
    const bytes = new Uint8Array(await response.arrayBuffer());
    return { status: response.status, headers: response.headers, bytes };
  };
  if (!beside && (options.gateway ?? true)) await publishGateway(db, network);
  return {
    db,
    deps,
    rolesAreSafe,
    clock,
    log,
    pauses,
    async request(path, options) {
      const { bytes, ...reply } = await send(path, options);
      const text = new TextDecoder().decode(bytes);
      const json = /[/+]json/.test(reply.headers.get("content-type") ?? "") && text !== "";
      return { ...reply, body: json ? JSON.parse(text) : undefined, text };
    },
    fetch,
    requestBytes: send,
    async [Symbol.asyncDispose]() {
      await balanced?.close();
      await close();
      if (!beside && !options.db) await db[Symbol.asyncDispose]();
    },
  };
}

/** Writes what a starting daemon does, the interface and its public key; as the owner, who is connected anyway. */
export async function publishGateway(db: TestDatabase, network: string): Promise<string> {
  const { publicKey } = await generateKeyPair();
  await db.owner`
    insert into wg_interfaces (id, name, network, listen_port, endpoint, mtu, public_key)
    values (1, 'wg0', ${network}, 51820, 'vpn.example.com:51820', 1420, ${publicKey})`;
  return publicKey;
}

export interface Persona {
  tenantId: number;
  slug: string;
  userId: number;
  email: string;
  password: string;
  token: string;
  refreshToken: string;
}

/** A request of somebody's, from this host. */
export const as = (who: Pick<Persona, "token">, more: RequestOptions = {}): RequestOptions => ({
  via: loopback,
  token: who.token,
  ...more,
});

/**
 * A tenant with an admin who is logged in. He is made by the operator, which withdraws his invitation and costs
 * less than accepting it.
 */
export async function adminOf(api: TestApi, slug: string): Promise<Persona> {
  const email = `admin@${slug}.example`;
  const made = await api.request("/api/v1/tenants", {
    body: { slug, name: `The ${slug} company`, admin_email: email, enrolment: false },
  });
  assert.equal(made.status, 201, made.text);
  const { tenant } = made.body;
  const admin = await api.request("/api/v1/users", {
    tenant: tenant.id,
    body: { email, role: "admin" },
  });
  assert.equal(admin.status, 201, admin.text);
  return await logIn(api, {
    tenantId: tenant.id,
    slug,
    userId: admin.body.user.id,
    email,
    password: admin.body.password,
  });
}

/** The admin of the platform's own tenant, who is its superadmin as well, logged in. */
export async function superadminOf(api: TestApi): Promise<Persona> {
  const email = "root@platform.example";
  const made = await api.request("/api/v1/tenants", {
    body: { slug: "platform", name: "The platform", admin_email: email, is_platform: true },
  });
  assert.equal(made.status, 201, made.text);
  const { tenant, admin } = made.body;
  const { id: userId, password } = admin;
  return await logIn(api, { tenantId: tenant.id, slug: "platform", userId, email, password });
}

/** Another user of the same tenant, logged in. */
export async function userOf(
  api: TestApi,
  admin: Persona,
  user: { email: string; role?: string },
): Promise<Persona> {
  const made = await api.request("/api/v1/users", { token: admin.token, body: user });
  assert.equal(made.status, 201, made.text);
  return await logIn(api, {
    tenantId: admin.tenantId,
    slug: admin.slug,
    userId: made.body.user.id,
    email: user.email,
    password: made.body.password,
  });
}

export async function logIn(
  api: TestApi,
  who: Omit<Persona, "token" | "refreshToken">,
): Promise<Persona> {
  const reply = await api.request("/api/v1/auth/login", {
    via: loopback,
    tenant: who.slug,
    body: { email: who.email, password: who.password },
  });
  assert.equal(reply.status, 200, reply.text);
  const { access_token: token, refresh_token: refreshToken } = reply.body;
  // Where a second factor is asked for there is neither token yet.
  for (const secret of [who.password, token, refreshToken]) if (secret) seedSecret(secret);
  return { ...who, token, refreshToken };
}

/** A peer of the persona's tenant, made by the persona with a key of the client's, and the way in through it. */
export async function peerOf(
  api: TestApi,
  who: Persona,
  more: Record<string, unknown> = {},
): Promise<{ id: string; address: string; via: AppEnv["Bindings"] }> {
  const { publicKey } = await generateKeyPair();
  const reply = await api.request("/api/v1/wireguard/peers", {
    via: loopback,
    token: who.token,
    body: { name: "peer", public_key: publicKey, ...more },
  });
  assert.equal(reply.status, 201, reply.text);
  const { id, address } = reply.body.peer;
  return { id, address, via: tunnelFrom(address) };
}
