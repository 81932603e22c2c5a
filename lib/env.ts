import { z } from "zod";
import { addressPlan } from "./address.ts";
import { parseAnyNetwork, plainAddress } from "./network.ts";
import { Secret } from "./secret.ts";

/** Where settings come from: the process environment in `config.ts` files, a plain object in tests. */
export type Env = Record<string, string | undefined>;

/** The process environment, read name by name: a process may be allowed to see only the names it needs. */
export const processEnv: Env = new Proxy({}, {
  get: (_, name) => typeof name === "string" ? Deno.env.get(name) : undefined,
});

/** What `loadConfig` needs of the file system. */
export type ReadFile = (path: string) => string;

/** Every fault of a configuration at once, each naming its variable and never its value. */
export class ConfigError extends Error {
  override name = "ConfigError";
  constructor(readonly faults: readonly string[]) {
    super(`the configuration has ${faults.length} fault(s):\n  ${faults.join("\n  ")}`);
  }
}

interface ParseEnvOptions<T> {
  /** Variables that may also be given as `X_FILE`. */
  fromFile?: readonly (keyof T & string)[];
  readFile?: ReadFile;
  /** Rules between settings; sees those that are right by themselves, and answers faults as `NAME: what`. */
  between?: (settings: Partial<T>) => string[];
}

/**
 * Parses settings with a schema whose keys are variable names. A variable `X` listed in `fromFile` may
 * also be given as `X_FILE`, the path of a file that holds the value (a trailing newline is dropped);
 * giving both is a fault. Empty variables count as absent.
 *
 * @throws {ConfigError} naming every fault found, not the first alone.
 */
export function parseEnv<S extends z.ZodObject>(
  schema: S,
  env: Env,
  options: ParseEnvOptions<z.infer<S>> = {},
): z.infer<S> {
  const readFile = options.readFile ?? ((path) => Deno.readTextFileSync(path));
  const fromFile = new Set<string>(options.fromFile ?? []);
  const faults: string[] = [];
  const raw: Record<string, string> = {};
  const missing = new Set<string>();
  for (const name of Object.keys(schema.shape)) {
    const value = env[name];
    const path = fromFile.has(name) ? env[`${name}_FILE`] : undefined;
    if (value) raw[name] = value;
    if (!path) continue;
    if (value) {
      faults.push(`${name}: set either ${name} or ${name}_FILE, not both`);
      continue;
    }
    try {
      raw[name] = readFile(path).replace(/\r?\n$/, "");
    } catch (error) {
      const reason = error instanceof Error ? error.name : "unreadable";
      faults.push(`${name}_FILE: cannot read ${path} (${reason})`);
      missing.add(name);
    }
  }
  const parsed = schema.safeParse(raw);
  // One fault a variable: the first says enough.
  const first = new Map<string, string>();
  for (const issue of parsed.error?.issues ?? []) {
    const name = String(issue.path[0]);
    const message = name in raw ? issue.message : "is required";
    if (!missing.has(name) && !first.has(name)) first.set(name, `${name}: ${message}`);
  }
  faults.push(...first.values());
  const wrong = new Set([...missing, ...first.keys()]);
  const right = Object.entries(schema.shape).filter(([name]) => !wrong.has(name));
  const settings = z.object(Object.fromEntries(right)).parse(raw) as Partial<z.infer<S>>;
  faults.push(...options.between?.(settings) ?? []);
  if (faults.length > 0 || !parsed.success) throw new ConfigError(faults);
  return parsed.data;
}

/** Seconds as `900`, `15m`, `24h`, `7d`, to a number of seconds. */
export const durationSeconds = z.string()
  .regex(/^[1-9]\d{0,8}[smhd]?$/, "must be a duration such as 900, 90s, 15m, 24h or 7d")
  .transform((text) => {
    const unit = { s: 1, m: 60, h: 3600, d: 86400 }[text.at(-1) ?? ""];
    return unit === undefined ? Number(text) : Number(text.slice(0, -1)) * unit;
  });

/** The same, for what waits so long: a timer of more than 24.8 days would end at once. */
export const patienceSeconds = durationSeconds
  .refine((seconds) => seconds <= 86400, "must be at most 1d");

/** That, and `900ms`, to a number of milliseconds. */
export const durationMs = z.string()
  .regex(/^[1-9]\d{0,8}(ms|[smhd])?$/, "must be a duration such as 900ms, 2s or 15m")
  .transform((text) =>
    text.endsWith("ms") ? Number(text.slice(0, -2)) : durationSeconds.parse(text) * 1000
  )
  .refine((ms) => ms <= 86_400_000, "must be at most 1d");

/** A whole number within bounds, from its decimal text. */
export function integer(min: number, max: number) {
  const fault = `must be a whole number from ${min} to ${max}`;
  return z.string().regex(/^-?\d{1,15}$/, fault).transform(Number)
    .refine((value) => value >= min && value <= max, fault);
}

/** A connection string, kept as a secret because it holds a password. */
function connectionUrl(protocols: RegExp, fault: string) {
  return z.string()
    .refine((text) => URL.canParse(text) && protocols.test(new URL(text).protocol), fault)
    .transform((text) => new Secret(text));
}

export const postgresUrl = connectionUrl(/^postgres(ql)?:$/, "must be a postgres:// URL");
export const smtpUrl = connectionUrl(/^smtps?:$/, "must be a smtp:// or smtps:// URL");
export const redisUrl = connectionUrl(/^rediss?:$/, "must be a redis:// or rediss:// URL");

/**
 * A secret of at least `bytes` bytes, given as base64 or base64url, or as text of which each character
 * counts one byte. Refused when short or when it repeats few characters: such a value was typed, not
 * generated.
 */
export function secretText(bytes: number) {
  return z.string()
    .refine(
      (text) => text.length >= bytes,
      `must have at least ${bytes} characters (make one with: openssl rand -base64 ${bytes})`,
    )
    .refine(
      (text) =>
        shannonBits(text) >= bytes * 4 && !/change|secret|password|default|example/i.test(text),
      `is too easy to guess (make one with: openssl rand -base64 ${bytes})`,
    )
    .transform((text) => new Secret(text));
}

/** Entropy of the text by its own character frequencies, in bits: an upper bound that shames repetition. */
function shannonBits(text: string): number {
  const counts = new Map<string, number>();
  for (const char of text) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / text.length);
  return bits;
}

/** Scheme, host and port of an HTTP server, as in `https://vpn.example.com`. */
export const origin = z.string().transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url && /^https?:$/.test(url.protocol) && url.href === `${url.origin}/`) return url.origin;
  context.addIssue("must be an origin such as https://vpn.example.com: no path, no password");
  return z.NEVER;
});

/** 32 bytes in base64 or base64url: a symmetric key. */
export const key32 = z.string()
  .regex(
    /^[A-Za-z0-9+/_-]{43}=?$/,
    "must be 32 bytes in base64 (make one with: openssl rand -base64 32)",
  )
  .transform((text, context) => {
    const bytes = Uint8Array.from(
      atob(text.replaceAll("-", "+").replaceAll("_", "/")),
      (char) => char.charCodeAt(0),
    );
    if (new Set(bytes).size < 12) {
      context.addIssue("is too easy to guess (make one with: openssl rand -base64 32)");
      return z.NEVER;
    }
    return new Secret(bytes);
  });

/** Several of them, separated by commas. */
export const key32List = z.string()
  .transform((text) => text.split(/[\s,]+/).filter((part) => part !== ""))
  .pipe(z.array(key32).max(16));

/** An IPv4 network from /12 to /28. */
export const networkCidr = z.string().transform((text, context) => {
  try {
    return addressPlan(text).network;
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : "is not a network");
    return z.NEVER;
  }
});

/** An IPv6 ULA /64 beside the IPv4 network. */
export const network6Cidr = z.string().transform((text, context) => {
  try {
    return addressPlan("10.0.0.0/24", text).six?.network;
  } catch (error) {
    context.addIssue(error instanceof Error ? error.message : "is not a network");
    return z.NEVER;
  }
});

/** Addresses and networks of either family, separated by commas. */
export const networkList = z.string().transform((text, context) =>
  text.split(",").flatMap((part) => {
    const network = parseAnyNetwork(part.trim());
    if (!network) {
      context.addIssue("must be addresses or networks in CIDR form, separated by commas");
    }
    return network ?? [];
  })
);

/** An address with a port, such as `127.0.0.1:9464` or `[::1]:9464`: no name, which could lead anywhere. */
export const socketAddress = z.string().transform((text, context) => {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+)):([1-9]\d{0,4})$/.exec(text) ?? [];
  const hostname = plainAddress(six ?? four ?? "");
  if (hostname !== undefined && Number(port) <= 65_535) return { hostname, port: Number(port) };
  context.addIssue("must be an address and a port such as 127.0.0.1:9464");
  return z.NEVER;
});
