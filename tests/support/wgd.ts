import { presharedKeyRow } from "../../lib/seal.ts";
import { createNamingSealer } from "../../lib/seal_ring.ts";
import { Secret } from "../../lib/secret.ts";
import {
  encodeKey,
  generateKeyPair,
  generatePresharedKey,
  type KeyPair,
} from "../../lib/wireguard_key.ts";
import { createWgdClient, type WgdClient } from "../../wgd/client.ts";
import { heapFlags } from "../../wgd/heap.ts";
import { type ObservedInterface, parseDump } from "../../wgd/observed.ts";
import type { TestDatabase } from "./database.ts";
import { type Namespaces, uniqueInterface } from "./netns.ts";
import { stopwatch } from "./stopwatch.ts";
import { until } from "./until.ts";
import { addWireGuard } from "./wireguard.ts";
import { keepAll, keptLines, seedSecret } from "./output.ts";

export interface TestPeer extends KeyPair {
  tenantId: number;
  id: string;
  address: string;
  presharedKey: Secret<string> | null;
}

interface NewPeer {
  psk?: boolean;
  expiresAt?: Date;
  userId?: number;
  tenantId?: number;
}

interface Options {
  /** Settings beside those that the test brings. */
  env?: Record<string, string>;
  /** Random where the test does not bring that of its API. */
  subkey?: Secret<Uint8Array<ArrayBuffer>>;
  /** Put before the PATH of the daemon, to replace a program. */
  programs?: string;
  /** Its namespace; `server` unless told. */
  role?: string;
}

/** The real daemon as a real process in a namespace, and hands on its database and interface. */
export class TestDaemon implements AsyncDisposable {
  readonly name = uniqueInterface();
  readonly log: { level: string; message: string; [field: string]: unknown }[] = [];
  #process: { child: Deno.ChildProcess; ended: Promise<unknown> } | undefined;
  #client: WgdClient | undefined;
  #tenantId: number | undefined;

  private constructor(
    readonly db: TestDatabase,
    readonly net: Namespaces,
    readonly folder: string,
    readonly options: Options,
    /** Opens and seals preshared keys. */
    readonly subkey: Secret<Uint8Array<ArrayBuffer>>,
  ) {}

  static async create(
    db: TestDatabase,
    net: Namespaces,
    options: Options = {},
  ): Promise<TestDaemon> {
    const folder = await Deno.makeTempDir({ prefix: "massacorp-wgd-" });
    const subkey = options.subkey ?? new Secret(crypto.getRandomValues(new Uint8Array(32)));
    const made = new TestDaemon(db, net, folder, options, subkey);
    await Deno.mkdir(made.socketFolder);
    return made;
  }

  get role(): string {
    return this.options.role ?? "server";
  }

  get interfaceId(): number {
    return Number(this.options.env?.WG_INTERFACE_ID ?? 1);
  }

  /** Holds nothing but the socket, as in an installation. */
  get socketFolder(): string {
    return `${this.folder}/run`;
  }

  get socket(): string {
    return `${this.socketFolder}/wgd.sock`;
  }

  get env(): Record<string, string> {
    return {
      LOG_LEVEL: "debug",
      WGD_DATABASE_URL: this.db.url("massacorp_wgd").reveal(),
      WGD_PRESHARED_SUBKEY: encodeKey(this.subkey.reveal()),
      WGD_SOCKET: this.socket,
      WGD_LOCK_FOLDER: this.folder,
      WG_KEY_FILE: `${this.folder}/gateway.key`,
      WG_INTERFACE: this.name,
      WG_ENDPOINT: this.net.address(this.role),
      // Tests have one tenant, as a rule, and fill the pool with it.
      WG_TENANT_SHARE: "100",
      ...this.options.env,
    };
  }

  /** Waits for two passes in which every call of a hanging `wg` is given up on. */
  get client(): WgdClient {
    return this.#client ??= createWgdClient(this.socket, { timeoutMs: 40_000 });
  }

  get pid(): number {
    if (!this.#process) throw new Error("the daemon was not started");
    return this.#process.child.pid;
  }

  /** Starts the process; `ready` waits for a first read-back, too. */
  async start({ ready = true }: { ready?: boolean } = {}): Promise<void> {
    const child = this.spawn("wgd/main.ts");
    const ended = Promise.all([
      child.status,
      this.#collect(child.stdout),
      this.#collect(child.stderr),
    ]);
    this.#process = { child, ended };
    if (!ready) return;
    const isReady = until("the daemon is ready", async () => {
      const status = await this.client.status();
      return status.interface.up && status.database === "connected" && status.last_error === null;
    }, { timeoutMs: 60_000 });
    const died = ended.then(() => {
      throw new Error(`the daemon ended: ${JSON.stringify(this.log.slice(-5))}`);
    });
    await Promise.race([isReady, died]);
    seedSecret(encodeKey(this.subkey.reveal()));
    seedSecret((await Deno.readTextFile(this.env.WG_KEY_FILE ?? "")).trim());
  }

  /** One more process of the daemon's code, with this daemon's settings. */
  spawn(entry: string, env: Record<string, string> = {}): Deno.ChildProcess {
    const path = Deno.env.get("PATH") ?? "";
    const programs = this.options.programs;
    const database = new URL(this.env.WGD_DATABASE_URL ?? "").searchParams.get("host");
    const folders = [this.folder, database].join(",");
    const [program = "", ...args] = this.net.argv(this.role, [
      ...[Deno.execPath(), "run", "-P=wgd", heapFlags, `--allow-read=${folders}`],
      ...[`--allow-write=${folders}`, entry],
    ]);
    return new Deno.Command(program, {
      args,
      clearEnv: true,
      env: {
        ...this.env,
        ...env,
        PATH: programs ? `${programs}:${path}` : path,
        HOME: Deno.env.get("HOME") ?? "/",
        ...(Deno.env.get("DENO_DIR") ? { DENO_DIR: Deno.env.get("DENO_DIR") ?? "" } : {}),
        NO_COLOR: "1",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** The same, until it has ended. */
  async output(
    entry: string,
    env: Record<string, string> = {},
  ): Promise<{ code: number; stdout: Uint8Array; stderr: Uint8Array }> {
    const output = await this.spawn(entry, env).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    keepAll(text(output.stdout), text(output.stderr));
    return output;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    for await (const line of keptLines(stream)) {
      try {
        this.log.push(JSON.parse(line));
      } catch {
        this.log.push({ level: "stderr", message: line });
      }
    }
  }

  /** Ends the process, in order or not; the tunnel stays. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<Deno.CommandStatus> {
    if (!this.#process) throw new Error("the daemon was not started");
    const { child, ended } = this.#process;
    child.kill(signal);
    await ended;
    this.#process = undefined;
    return await child.status;
  }

  /** The status of a process that ends by itself. */
  async ended(): Promise<Deno.CommandStatus> {
    if (!this.#process) throw new Error("the daemon was not started");
    const { child, ended } = this.#process;
    await ended;
    this.#process = undefined;
    return await child.status;
  }

  wg(...args: string[]): Promise<string> {
    return this.net.run(this.role, ["wg", ...args]);
  }

  ip(...args: string[]): Promise<string> {
    return this.net.run(this.role, ["ip", ...args]);
  }

  /** Kills the daemon and takes away what a reboot of the host would. */
  async crashHost(): Promise<void> {
    await this.end("SIGKILL");
    await this.ip("link", "delete", this.name);
    await this.net.run(this.role, ["nft", "flush", "ruleset"]);
  }

  async dump(): Promise<ObservedInterface> {
    return parseDump(await this.wg("show", this.name, "dump"));
  }

  /** Differences found since it was started. A pass may find and repair one before anybody looks. */
  async driftFound(): Promise<number> {
    const totals = (await this.client.metrics()).matchAll(/drift_total\{.*\} (\d+)$/gm);
    return Array.from(totals, ([, total]) => Number(total)).reduce((sum, n) => sum + n, 0);
  }

  async tenant(): Promise<number> {
    if (this.#tenantId !== undefined) return this.#tenantId;
    const [row] = await this.db.owner<{ id: number }[]>`
      insert into tenants (slug, name) values (${`t${crypto.randomUUID().slice(0, 8)}`}, 'Test')
      returning id`;
    if (!row) throw new Error("no tenant was made");
    return this.#tenantId = row.id;
  }

  /** Inserts a peer as the API would: the lowest free address, its preshared key sealed. */
  async addPeer(options: NewPeer = {}): Promise<TestPeer> {
    const [peer] = await this.addPeers(1, options);
    if (!peer) throw new Error("no peer was made");
    return peer;
  }

  async addPeers(count: number, options: NewPeer = {}): Promise<TestPeer[]> {
    const tenantId = options.tenantId ?? await this.tenant();
    const sealer = await createNamingSealer([this.subkey]);
    const free = await this.db.owner<{ address: string }[]>`
      update wg_ip_pool set free_from = null where (interface_id, address) in (
        select interface_id, address from wg_ip_pool
          where interface_id = ${this.interfaceId} and free_from <= now() order by address limit ${count})
      returning host(address) as address`;
    const peers: TestPeer[] = [];
    const rows: Record<string, unknown>[] = [];
    for (const { address } of free) {
      const id = crypto.randomUUID();
      const pair = await generateKeyPair();
      const presharedKey = options.psk === false ? null : generatePresharedKey();
      const place = presharedKeyRow({ tenantId, peerId: id, publicKey: pair.publicKey });
      const plain = presharedKey && new TextEncoder().encode(presharedKey.reveal());
      const sealed = plain && await sealer.seal(plain, place);
      peers.push({ ...pair, tenantId, id, address, presharedKey });
      rows.push({
        tenant_id: tenantId,
        id,
        interface_id: this.interfaceId,
        user_id: options.userId ?? null,
        name: "test",
        public_key: pair.publicKey,
        preshared_key: sealed ? `\\x${sealed.toHex()}` : null,
        address,
        expires_at: options.expiresAt?.toISOString() ?? null,
      });
    }
    await this.db.owner`
      insert into wg_peers (tenant_id, id, interface_id, user_id, name, public_key, preshared_key, address,
          expires_at)
        select tenant_id, id, interface_id, user_id, name, public_key, preshared_key, address, expires_at
        from jsonb_to_recordset(${
      JSON.stringify(rows)
    }::text::jsonb) as row (tenant_id integer, id uuid,
          interface_id smallint, user_id integer, name text, public_key text, preshared_key bytea,
          address inet, expires_at timestamptz)`;
    return peers;
  }

  async status(peer: TestPeer): Promise<{ state: string; error: string | null } | undefined> {
    const [row] = await this.db.owner<{ state: string; error: string | null }[]>`
      select s.state, s.error from wg_peer_status s join wg_peers p
        on p.tenant_id = s.tenant_id and p.id = s.peer_id and p.generation = s.generation
      where s.tenant_id = ${peer.tenantId} and s.peer_id = ${peer.id}`;
    return row;
  }

  /** Has a peer expire in so many milliseconds. */
  async endIn({ id }: TestPeer, ms: number): Promise<Date> {
    const expiresAt = new Date(Date.now() + ms);
    await this.db.owner`update wg_peers set expires_at = ${expiresAt} where id = ${id}`;
    return expiresAt;
  }

  /** How many milliseconds after its time a peer is off the interface; those in which the machine stood still are none. */
  async goneAfter({ publicKey }: TestPeer, expiresAt: Date): Promise<number> {
    await until("its time is near", () => Date.now() >= expiresAt.getTime() - 200);
    using watch = stopwatch();
    await until("it is gone", async () => !(await this.dump()).peers.has(publicKey));
    const late = Date.now() - expiresAt.getTime();
    return late < 0 ? late : Math.max(0, late - watch.lost());
  }

  async untilState(peer: TestPeer, state: string): Promise<void> {
    await until(`${peer.id} is ${state}`, async () => (await this.status(peer))?.state === state);
  }

  /** A client's end of the tunnel, in another namespace; returns the name of its interface. */
  async connect(role: string, peer: TestPeer): Promise<string> {
    const [row] = await this.db.owner<{ public_key: string; endpoint: string; network: string }[]>`
      select public_key, endpoint, network::text as network from wg_interfaces where id = ${this.interfaceId}`;
    if (!row) throw new Error("no interface was published");
    return await this.connectTo(role, peer, {
      publicKey: row.public_key,
      endpoint: row.endpoint,
      network: row.network,
      presharedKey: peer.presharedKey?.reveal() ?? null,
    });
  }

  /** The same to a gateway that this daemon knows nothing of. */
  async connectTo(
    role: string,
    peer: TestPeer,
    gateway: {
      publicKey: string;
      endpoint: string;
      network: string;
      presharedKey: string | null;
    },
  ): Promise<string> {
    const name = uniqueInterface();
    await addWireGuard(this.net, role, name);
    const config = `[Interface]
PrivateKey = ${peer.privateKey.reveal()}
[Peer]
PublicKey = ${gateway.publicKey}
${gateway.presharedKey ? `PresharedKey = ${gateway.presharedKey}` : ""}
Endpoint = ${gateway.endpoint}
AllowedIPs = ${gateway.network}
PersistentKeepalive = 1
`;
    await this.net.run(role, ["wg", "setconf", name, "/dev/stdin"], { stdin: config });
    await this.net.run(role, ["ip", "address", "add", `${peer.address}/32`, "dev", name]);
    await this.net.run(role, ["ip", "link", "set", name, "up"]);
    await this.net.run(role, ["ip", "route", "add", gateway.network, "dev", name]);
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A daemon that ended by itself must not hide why the test failed.
    if (this.#process) await this.end("SIGKILL").catch(() => {});
    this.#client?.close();
    // Inside the namespace, which ends with the test; but the process has to let its socket go.
    await this.net.exec(this.role, ["ip", "link", "delete", this.name]);
    await Deno.remove(this.folder, { recursive: true });
  }
}
