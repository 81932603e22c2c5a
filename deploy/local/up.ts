import { loadConfig as loadApiConfig } from "../../api/config.ts";
import { connect } from "../../db/connection.ts";
import { bootstrap } from "../../db/roles.ts";
import { migrate } from "../../db/migrate.ts";
import { ConfigError } from "../../lib/env.ts";
import type { Secret } from "../../lib/secret.ts";
import { loadConfig as loadWgdConfig } from "../../wgd/config.ts";
import { publishInterface } from "../../wgd/gateway/publish.ts";
import type { LocalConfig } from "./config.ts";
import { type DataFolder, openDataFolder } from "./data_folder.ts";
import { type CutOff, type FirstStart, firstStart } from "./first_start.ts";
import { createIdentity, type Identity, requireReadable } from "./identity.ts";
import { databaseSecrets } from "./secrets.ts";
import {
  apiService,
  postgresService,
  type ProgramOptions,
  projectFolder,
  sealerService,
  takeTunnelDown,
  wgdService,
} from "./services.ts";
import { prepareSettings } from "./settings.ts";
import { type Service, supervise, type Supervised } from "./supervise.ts";
import type { Terminal } from "./terminal.ts";

export interface UpOptions {
  /** False: no daemon, no root needed; the API listens on loopback, and peers stay pending. */
  tunnel: boolean;
  watch: boolean;
  terminal: Terminal;
  /** Gives the start up half-way. */
  signal?: AbortSignal;
  now?: () => number;
}

export interface Up {
  operatorSocket: string;
  /** Where a browser or a client finds the API. */
  address: string;
  tunnel: boolean;
  /** What was made, when this was the first start; or that the first start was cut off. */
  first: FirstStart | CutOff | undefined;
  /** Ends everything, in the order API, sealer, daemon, tunnel, database. */
  stop(): Promise<void>;
}

/**
 * Starts everything in its order: database, migrations, daemon, API. What fails half-way is taken down again.
 * @throws {ConfigError} before anything was started
 */
export async function up(config: LocalConfig, options: UpOptions): Promise<Up> {
  const { tunnel, terminal, signal, now = () => performance.now() } = options;
  if (!tunnel && config.env === "prod") {
    throw new ConfigError(["--no-tunnel: is refused when ENV=prod: only the tunnel leads in"]);
  }
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await openDataFolder(config.dataFolder));
  await requireReadable(projectFolder, ["deno.json", "api", "api/main.ts", "node_modules"]);
  const identity = await createIdentity([
    projectFolder,
    Deno.execPath(),
    folder.root,
    ...(config.walArchive === undefined ? [] : [config.walArchive.folder]),
    ...Object.values(folder.sockets),
  ]);
  const settings = await prepareSettings(config, { folder, tunnel });
  const shared = { folder, identity, terminal };
  const supervised = { terminal, ...(signal ? { signal } : {}) };
  const timed = async <T>(work: () => Promise<T>): Promise<[T, string]> => {
    const started = now();
    const result = await work();
    return [result, `${((now() - started) / 1000).toFixed(1)} s`];
  };

  if (!config.ownerUrl) {
    await startDatabase(undo, { ...shared, ...supervised, walArchive: config.walArchive }, timed);
  }
  await runMigrations(settings.ownerUrl, terminal);

  const { databaseFolders } = settings;
  const program = { ...shared, databaseFolders, watch: options.watch };
  const wgd: ProgramOptions = { ...program, env: settings.wgdEnv };
  const wgdConfig = loadWgdConfig(settings.wgdEnv);
  if (tunnel) {
    undo.defer(() => takeTunnelDown(wgd));
    const [, took] = await timed(() => start(undo, wgdService(wgd), supervised));
    terminal.step(
      "wgd",
      `ready in ${took}, ${wgdConfig.interface.name} ${wgdConfig.interface.plan.network}, clients dial ${wgdConfig.interface.endpoint}`,
    );
  } else {
    const sql = connect(wgdConfig.databaseUrl, { max: 1, applicationName: "massacorp-up" });
    try {
      await publishInterface(sql, wgdConfig);
    } finally {
      await sql.end({ timeout: 5 });
    }
    terminal.step("wgd", "not started (--no-tunnel): peers stay pending");
  }

  const sealer: ProgramOptions = { ...program, env: settings.sealerEnv };
  const [, sealerTook] = await timed(() => start(undo, sealerService(sealer), supervised));
  terminal.step("sealer", `ready in ${sealerTook}, ${settings.sealerEnv["AUDIT_CHECKPOINTS"]}`);

  const api: ProgramOptions = { ...program, env: settings.apiEnv };
  const [, took] = await timed(() => start(undo, apiService(api), supervised));
  const apiConfig = loadApiConfig(settings.apiEnv);
  const address = tunnel
    ? `http://${wgdConfig.interface.plan.api}:${apiConfig.port}`
    : `http://127.0.0.1:${apiConfig.port}`;
  terminal.step("api", `ready in ${took}, ${address}${tunnel ? " through the tunnel" : ""}`);
  terminal.step("operator", apiConfig.operatorSocket);
  const first = await firstStart(apiConfig.operatorSocket, {
    folder,
    adminEmail: config.adminEmail,
  });

  const held = undo.move();
  return {
    operatorSocket: apiConfig.operatorSocket,
    address,
    tunnel,
    first,
    stop: () => held.disposeAsync(),
  };
}

async function start(
  undo: AsyncDisposableStack,
  service: Service,
  { terminal, signal }: { terminal: Terminal; signal?: AbortSignal },
): Promise<Supervised> {
  const supervised = await supervise(service, {
    say: (line) => terminal.step("supervisor", line),
    ...(signal ? { signal } : {}),
  });
  undo.defer(() => supervised.stop());
  return supervised;
}

async function startDatabase(
  undo: AsyncDisposableStack,
  shared: {
    folder: DataFolder;
    identity: Identity;
    terminal: Terminal;
    signal?: AbortSignal;
    walArchive: LocalConfig["walArchive"];
  },
  timed: <T>(work: () => Promise<T>) => Promise<[T, string]>,
): Promise<void> {
  const { folder, terminal } = shared;
  const secrets = await databaseSecrets(folder);
  const [, took] = await timed(async () => {
    const service = postgresService({ ...shared, superuserPassword: secrets.superuser });
    await start(undo, service, shared);
    await bootstrap(secrets.superuserUrl, secrets.roles);
  });
  terminal.step("postgres", `ready in ${took}, ${folder.postgres}`);
}

async function runMigrations(ownerUrl: Secret<string>, terminal: Terminal): Promise<void> {
  const owner = connect(ownerUrl, { max: 1, applicationName: "massacorp-up" });
  try {
    const applied = await migrate(owner);
    terminal.step(
      "migrations",
      applied.length > 0 ? `${applied.length} applied` : "nothing to apply",
    );
  } finally {
    await owner.end({ timeout: 5 });
  }
}
