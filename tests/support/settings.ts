import { deepEqual, ok } from "node:assert/strict";
import { ConfigError, type Env } from "../../lib/env.ts";

/** What one setting is, and is not; beside others that it cannot be without. */
export interface Border {
  refuses: readonly string[];
  takes: readonly string[];
  beside?: Record<string, string>;
}

/** The variables that a configuration finds fault with, in their order. */
export function settingsAtFault(load: (env: Env) => unknown, env: Env): string[] {
  try {
    load(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map((fault) => fault.split(":", 1)[0] ?? "");
  }
  return [];
}

/**
 * Each setting by itself: what is past its border is told by its name and nothing else is, what is on it is well.
 * @param process whose permission set in deno.json names what it reads: each has to have a border
 */
export async function judgeSettings(
  { process, load, good, borders }: {
    process: string;
    load: (env: Env) => unknown;
    good: Record<string, string>;
    borders: Record<string, Border>;
  },
): Promise<void> {
  const { permissions } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  const names: string[] = permissions[process].env;
  const settings = names.filter((name) => !name.endsWith("_FILE") && !name.endsWith("*"));
  const files = ["TLS_CERT_FILE", "TLS_KEY_FILE", "WG_KEY_FILE"].filter((name) =>
    names.includes(name)
  );
  deepEqual([...settings, ...files].sort(), Object.keys(borders).sort(), "each has a border");
  for (const [name, { refuses, takes, beside }] of Object.entries(borders)) {
    ok(takes.length > 0, name);
    for (const value of refuses) {
      const faults = settingsAtFault(load, { ...good, ...beside, [name]: value });
      deepEqual(faults, [name], `${name}=${value}`);
    }
    for (const value of takes) {
      const faults = settingsAtFault(load, { ...good, ...beside, [name]: value });
      deepEqual(faults, [], `${name}=${value}`);
    }
  }
}

export const whole = (least: number, most: number): Border => ({
  refuses: [`${least - 1}`, `${most + 1}`, `${least}.5`, `0x${least}`, "1e1", " 1", "many", "-"],
  takes: [`${least}`, `${most}`],
});

export const oneOf = (...values: string[]): Border => ({
  refuses: ["unheard-of", `${values[0]} `, `${values[0]}`.toUpperCase() + "_"],
  takes: values,
});

export const absolutePath: Border = {
  refuses: ["run/x.sock", "./x.sock", "~/x.sock", "x"],
  takes: ["/x", "/run/massacorp/x.sock"],
};

/** @param most the longest that is taken, and the shortest that is not */
export const duration = ([most, tooLong]: [string, string]): Border => ({
  refuses: [tooLong, "0", "0s", "-1s", "1.5s", "01s", "1w", "1 s", "s", "9999999999"],
  takes: ["1", "1s", "1m", "1h", most],
});

/** A password in it is not told. */
export const url = (...protocols: string[]): Border => ({
  refuses: ["localhost", "http://localhost/x", "file:///etc/passwd", `x${protocols[0]}://h/d`],
  takes: protocols.map((protocol) => `${protocol}://role:p@localhost/massacorp`),
});

export const key32: Border = {
  refuses: [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "c2hvcnQ=",
    "83PoHdK nBhmx1m1ccNEKREotL7f/BHiw+dXGeuQMuA=",
  ],
  takes: [
    "83PoHdK+nBhmx1m1ccNEKREotL7f/BHiw+dXGeuQMuA=",
    "83PoHdK-nBhmx1m1ccNEKREotL7f_BHiw-dXGeuQMuA",
  ],
};
const [a = "", b = ""] = key32.takes;
export const keys32: Border = {
  refuses: ["c2hvcnQ=", `${a},c2hvcnQ=`, Array(17).fill(a).join(",")],
  takes: [a, `${a},${b}`, Array(16).fill(a).join(",")],
};

export const network: Border = {
  refuses: [
    "10.0.0.0/11",
    "10.0.0.0/29",
    "10.0.0.1/24",
    "10.0.0.0",
    "fd00::/64",
    "x",
  ],
  takes: ["10.0.0.0/12", "10.0.0.0/28", "192.168.0.0/16", "172.16.0.0/12"],
};
export const network6: Border = {
  refuses: [
    "fd00::/63",
    "fd00::/65",
    "fc00::/64",
    "2001:db8::/64",
    "fd00::1/64",
    "10.0.0.0/24",
    "x",
  ],
  takes: ["fd00::/64", "fdff:ffff:ffff:ffff::/64"],
};

/** Deno's own spans would have whole URLs in them. */
export const spans: Record<string, Border> = {
  OTEL_DENO: { refuses: ["true", "1"], takes: ["false"] },
  OTEL_DENO_TRACING: {
    refuses: ["1", "yes"],
    takes: ["true", "false"],
    beside: { OTEL_TRACES_SAMPLER: "parentbased_always_off" },
  },
  OTEL_TRACES_SAMPLER: {
    refuses: ["always_on", "parentbased_always_on", "parentbased_always_off "],
    takes: ["parentbased_always_off"],
    beside: { OTEL_DENO_TRACING: "true" },
  },
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    refuses: ["localhost:4318", "file:///tmp", "ftp://collector"],
    takes: ["http://localhost:4318", "https://collector.example"],
  },
  OTEL_EXPORTER_OTLP_PROTOCOL: { ...oneOf("http/protobuf", "http/json"), refuses: ["grpc"] },
  OTEL_EXPORTER_OTLP_HEADERS: { refuses: [], takes: ["a=b"] },
  OTEL_SERVICE_NAME: { refuses: [], takes: ["massacorp"] },
};
