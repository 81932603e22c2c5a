import { deepEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { projectFolder } from "../local/services.ts";

/**
 * What compose.yaml promises, without an engine: `deno task test:compose` brings it up. Strict, so that a key which one
 * of docker-compose 1.29 and `docker compose` 2 does not know is noticed: all of these are in the schemas of both
 * (compose/config/compose_spec.json, compose-spec.json), and so are their short forms.
 */
const condition = z.strictObject({
  condition: z.enum(["service_healthy", "service_completed_successfully"]),
});
const serviceSchema = z.strictObject({
  image: z.string(),
  build: z.strictObject({
    context: z.string(),
    dockerfile: z.string(),
    target: z.string(),
    args: z.record(z.string(), z.string()),
  }).optional(),
  profiles: z.array(z.string()).optional(),
  restart: z.enum(["no", "unless-stopped"]).optional(),
  read_only: z.boolean().optional(),
  user: z.string().optional(),
  cap_drop: z.array(z.string()).optional(),
  cap_add: z.array(z.string()).optional(),
  security_opt: z.array(z.string()).optional(),
  pids_limit: z.int().optional(),
  mem_limit: z.string().optional(),
  shm_size: z.string().optional(),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) })
    .optional(),
  networks: z.union([
    z.array(z.string()),
    z.record(z.string(), z.strictObject({ ipv4_address: z.string().optional() })),
  ]).optional(),
  network_mode: z.string().optional(),
  ports: z.array(z.string()).optional(),
  sysctls: z.array(z.string()).optional(),
  devices: z.array(z.string()).optional(),
  tmpfs: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  // Null where the setting's default is empty.
  environment: z.record(z.string(), z.string().nullable()).optional(),
  // A list of files that are there: that one may be absent, 1.29 cannot say.
  env_file: z.array(z.string()).optional(),
  depends_on: z.union([z.array(z.string()), z.record(z.string(), condition)]).optional(),
  stop_signal: z.string().optional(),
  stop_grace_period: z.string().optional(),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).optional(),
  healthcheck: z.strictObject({
    test: z.array(z.string()),
    interval: z.string(),
    timeout: z.string(),
    retries: z.int(),
    start_period: z.string().optional(),
  }).optional(),
});
const schema = z.strictObject({
  "x-common": z.unknown(),
  "x-app": z.unknown(),
  "x-gateway": z.unknown(),
  services: z.record(z.string(), serviceSchema),
  networks: z.record(
    z.string(),
    z.strictObject({
      internal: z.boolean().optional(),
      ipam: z.strictObject({ config: z.array(z.strictObject({ subnet: z.string() })) }).optional(),
    }),
  ),
  volumes: z.record(z.string(), z.strictObject({})),
});
type Compose = z.infer<typeof schema>;
type Service = z.infer<typeof serviceSchema>;

/** As it is where `.env` sets nothing but what it has to. */
async function read(): Promise<Compose> {
  const text = await Deno.readTextFile(join(projectFolder, "compose.yaml"));
  const filled = text.replaceAll(/\$\{\w+:?-([^}]*)\}/g, "$1").replaceAll(
    /\$\{\w+:\?[^}]*\}/g,
    "x",
  );
  return schema.parse(parse(filled, { merge: true }));
}

/** Who is root, and what of root each is; everybody else is neither. */
const roots: Record<string, string[]> = {
  setup: ["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID"],
  wgd: ["NET_ADMIN"],
  backup: ["DAC_READ_SEARCH"],
};

const serverUsers = /^(?:64\d{3}|65534|999|472):/;

const number = (address: string) => address.split(".").reduce((sum, n) => sum * 256 + Number(n), 0);

function overlap(one: string, other: string): boolean {
  const [a = "", aBits = ""] = one.split("/");
  const [b = "", bBits = ""] = other.split("/");
  const size = 2 ** (32 - Math.min(Number(aBits), Number(bBits)));
  return Math.floor(number(a) / size) === Math.floor(number(b) / size);
}

function faultsOf(name: string, service: Service): string[] {
  const faults: string[] = [];
  const must = (holds: boolean, what: string) => holds || faults.push(`${name}: ${what}`);
  must(service.read_only === true, "its file system can be written");
  must(String(service.cap_drop) === "ALL", "keeps capabilities");
  must(String(service.cap_add ?? []) === String(roots[name] ?? []), "has other capabilities");
  must(String(service.security_opt) === "no-new-privileges:true", "may gain privileges");
  must(
    name in roots ? service.user === "0:0" : serverUsers.test(service.user ?? ""),
    "has another user",
  );
  must((service.pids_limit ?? 0) > 0, "may have any number of processes");
  must(service.mem_limit !== undefined, "may take all memory");
  must(service.logging?.options["max-size"] !== undefined, "may fill the disk with its log");
  must(name === "net" || !service.ports, "publishes a port");
  // Compose 2 refuses them together.
  must(!(service.network_mode && (service.networks || service.ports)), "is in two networks");
  const mode = service.network_mode ?? "";
  must(["", "none", "service:net"].includes(mode), `is in the network ${mode}`);
  must(!(mode === "" && !service.networks), "is in the default network");
  const image = service.image.split(":").at(-1) ?? "";
  must(/^v?\d+\.\d+\.\d+|^\d+\.\d+-/.test(image), `its image has no version: ${service.image}`);
  const once = ["setup", "migrate", "first-admin", "backup"].includes(name);
  must(service.restart === (once ? "no" : "unless-stopped"), "has another restart policy");
  must(once || service.healthcheck !== undefined, "is not asked");
  for (const [key, value] of Object.entries(service.environment ?? {})) {
    if (value === null) continue;
    const plain = /(_URL|SECRET|PASSWORD|_KEY|_KEYS)$/.test(key) && key !== "PUBLIC_URL";
    must(!plain, `${key} is not a file`);
    const named = /_FILE$/.test(key);
    must(!named || targets(service).some((to) => value.startsWith(`${to}/`)), `${key} leads away`);
  }
  for (const volume of service.volumes ?? []) {
    const [from = "", , rights = ""] = volume.split(":");
    must(!from.includes("docker.sock") && from.startsWith("/") === /backups/.test(from), from);
    const [, of] = /\/secrets(?:\/(\w+))?$/.exec(from) ?? [];
    if (!from.includes("/secrets")) continue;
    const own = { db: "database", migrate: "supervisor", backup: undefined }[name] ?? name;
    must(rights === "ro", `${from} can be written`);
    must(name === "backup" ? of === undefined : of === own, `reads ${from}`);
  }
  return faults;
}

const targets = ({ volumes = [] }: Service) => volumes.map((volume) => volume.split(":")[1] ?? "");

/** Whom a service waits for, and whom those do. */
function waitsFor(services: Compose["services"], name: string): string[] {
  const { depends_on = [], network_mode = "" } = services[name] ?? {};
  const [, shared] = /^service:(.*)$/.exec(network_mode) ?? [];
  const names = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
  return [...names, ...shared === undefined ? [] : [shared]]
    .flatMap((each) => [each, ...waitsFor(services, each)]);
}

function faultsIn({ services, networks }: Compose): string[] {
  const faults = Object.entries(services).flatMap(([name, service]) => faultsOf(name, service));
  const must = (holds: boolean, what: string) => holds || faults.push(what);
  must(String(services.net?.ports) === "51820:51820/udp", "another port is published");
  for (const name of ["db", "redis", "sealer", "migrate", "backup"]) {
    must(String(services[name]?.networks) === "backend", `${name} is in another network`);
  }
  must(networks.backend?.internal === true, "the backend leads to the outside");
  const subnet = networks.backend?.ipam?.config[0]?.subnet ?? "";
  must(subnet !== "" && !overlap(subnet, "10.10.0.0/24"), "the backend overlaps the tunnel");
  const places = services.net?.networks ?? {};
  const address = "backend" in places ? places.backend?.ipv4_address ?? "" : "";
  must(overlap(`${address}/32`, subnet), "the API's address is in another network");
  must(services.net?.sysctls?.[0] === "net.ipv4.ip_forward=0", "the networks are joined");
  must(!waitsFor(services, "wgd").includes("db"), "the tunnel waits for the database (T8)");
  for (const name of ["api", "wgd", "sealer"]) {
    const files = String(services[name]?.env_file);
    must(files === "deploy/compose/settings.env", `${name} does not take every setting`);
  }
  const isOrNewer = services.migrate?.command?.includes("--or-newer") === true;
  must(isOrNewer, "the version before does not start on a database of the next");
  return faults;
}

Deno.test("compose.yaml: every container is read-only, without rights, limited and watched; one UDP port is published; secrets are files of their readers", async () => {
  deepEqual(faultsIn(await read()), []);
});

Deno.test("compose.yaml: each of its guards is missed when it is taken away", async () => {
  const missed: string[] = [];
  const guards = ["read_only", "cap_drop", "security_opt", "user", "pids_limit", "mem_limit"]
    .concat("logging", "restart");
  const whole = await read();
  const { services } = whole;
  const without = (what: string, change: (compose: Compose) => void) => {
    const compose = structuredClone(whole);
    change(compose);
    ok(JSON.stringify(compose) !== JSON.stringify(whole), what);
    if (faultsIn(compose).length === 0) missed.push(what);
  };
  for (const [name, own] of Object.entries(services)) {
    for (const guard of guards) {
      without(`${name}: ${guard}`, (c) => Reflect.deleteProperty(c.services[name] ?? {}, guard));
    }
    const change = (what: string, values: Partial<Service>) =>
      without(`${name}: ${what}`, (c) => Object.assign(c.services[name] ?? {}, values));
    change("root", name in roots ? { user: "1000:1000" } : { user: "0:0" });
    change("a capability", { cap_add: ["SYS_ADMIN"] });
    change("a port", { ports: ["8000:8000"] });
    change("the host's network", { network_mode: "host" });
    change("any image", { image: "postgres:latest" });
    change("a plain secret", { environment: { JWT_SECRET: "x" } });
    change("a file from elsewhere", { environment: { JWT_SECRET_FILE: "/root/x" } });
    change("the engine", { volumes: ["/var/run/docker.sock:/var/run/docker.sock"] });
    change("others' secrets", { volumes: ["./.massacorp/secrets/other:/run/x:ro"] });
    if (own.healthcheck) {
      without(`${name}: healthcheck`, (c) => delete c.services[name]?.healthcheck);
    }
    for (const volume of (own.volumes ?? []).filter((each) => each.includes("/secrets"))) {
      change("writable secrets", { volumes: [volume.replace(/:ro$/, "")] });
    }
  }
  for (const name of ["db", "redis", "sealer"]) {
    without(
      `${name}: the edge`,
      (c) => Object.assign(c.services[name] ?? {}, { networks: ["backend", "edge"] }),
    );
  }
  without("internal", (c) => Reflect.deleteProperty(c.networks.backend ?? {}, "internal"));
  without("the subnet", (c) => {
    Object.assign(c.networks.backend ?? {}, { ipam: { config: [{ subnet: "10.10.0.0/28" }] } });
  });
  without("forwarding", (c) => delete c.services.net?.sysctls);
  for (const name of ["api", "wgd", "sealer"]) {
    without(`${name}: any setting`, (c) => delete c.services[name]?.env_file);
  }
  without("the way back", (c) => c.services.migrate?.command?.pop());
  without("the tunnel without a database", (c) => {
    Object.assign(c.services.net ?? {}, { depends_on: ["migrate"] });
  });
  deepEqual(missed, []);
});
