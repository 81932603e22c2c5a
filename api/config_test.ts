import assert from "node:assert/strict";
import { testSecrets } from "../tests/support/api.ts";
import { settingsAtFault } from "../tests/support/settings.ts";
import { loadConfig } from "./config.ts";

const url = "postgres://massacorp_api:p@localhost/massacorp";
const good = { ...testSecrets, DATABASE_URL: url, DATABASE_PLATFORM_URL: url };

const faultsOf = (env: Record<string, string>) => settingsAtFault(loadConfig, env);

Deno.test("loadConfig: secrets and databases have no defaults, in no environment", () => {
  for (const ENV of ["dev", "prod"]) {
    assert.deepEqual(faultsOf({ ENV }).sort(), [
      "DATABASE_PLATFORM_URL",
      "DATABASE_URL",
      "ENCRYPTION_KEY",
      "JWT_SECRET",
    ]);
  }
});

Deno.test("loadConfig: asks for no variable that the API's process may not see, whatever is set", async () => {
  const { permissions } = JSON.parse(await Deno.readTextFile("deno.json"));
  const names: ReadonlySet<string> = new Set(permissions.api.env);
  const settings: Record<string, string>[] = [
    {},
    { ENV: "prod", API_LISTEN: "loopback" },
    { TLS_CERT_FILE: "/cert.pem" },
    { SMTP_URL: "smtp://mail.example.com" },
  ];
  for (const more of settings) {
    const given: Record<string, string> = { ...good, ...more };
    const asked = new Set<string>();
    const env = new Proxy(given, {
      get(_, name) {
        asked.add(String(name));
        return given[String(name)];
      },
    });
    faultsOf(env);
    assert.ok(asked.size > 50);
    assert.deepEqual([...asked].filter((name) => !names.has(name)), [], JSON.stringify(more));
  }
});

Deno.test("loadConfig: A6: passwords are hashed with 19 MiB in five passes where nothing is set", () => {
  const { parameters } = loadConfig(good).passwordHash;
  assert.deepEqual(parameters, { memoryCost: 19_456, timeCost: 5, parallelism: 1 });
});

Deno.test("loadConfig: passwords are looked up among breached ones unless that is turned off", () => {
  for (const ENV of ["dev", "prod"]) {
    const { endpoint } = loadConfig({ ...good, ENV }).passwords.breaches ?? {};
    assert.equal(endpoint?.href, "https://api.pwnedpasswords.com/");
  }
  assert.equal(loadConfig({ ...good, PASSWORD_CHECK_HIBP: "off" }).passwords.breaches, null);
});

Deno.test("loadConfig: D4: who has a Redis for several processes has two, unless he says how many", () => {
  const processes = (env: Record<string, string>) => loadConfig({ ...good, ...env }).processes;
  const REDIS_URL = "redis://127.0.0.1:6379";
  assert.deepEqual([processes({}), processes({ REDIS_URL })], [1, 2]);
  assert.deepEqual([
    processes({ API_PROCESSES: "3" }),
    processes({ REDIS_URL, API_PROCESSES: "3" }),
  ], [
    3,
    3,
  ]);
  for (const API_PROCESSES of ["0", "1.5", "-1", "many"]) {
    assert.deepEqual(faultsOf({ ...good, API_PROCESSES }), ["API_PROCESSES"]);
  }
});

Deno.test("loadConfig: T1: in production the API listens on the tunnel alone", () => {
  assert.deepEqual(faultsOf({ ...good, ENV: "prod" }), []);
  assert.deepEqual(faultsOf({ ...good, ENV: "prod", API_LISTEN: "loopback" }), ["API_LISTEN"]);
  assert.deepEqual(faultsOf({ ...good, ENV: "dev", API_LISTEN: "loopback" }), []);
});

Deno.test("loadConfig: T10: proxies stand on the host, in the tunnel's place, and no peer is one", () => {
  const behind = {
    ...{ ...good, ENV: "prod", API_LISTEN: "loopback", API_PORT: "8001" },
    PUBLIC_URL: "http://10.10.0.1:8000",
  };
  const faults = (TRUSTED_PROXIES: string, more: Record<string, string> = {}) =>
    faultsOf({ ...behind, TRUSTED_PROXIES, ...more });
  assert.deepEqual(faults("127.0.0.1"), []);
  const { PUBLIC_URL: _, ...unnamed } = behind;
  assert.deepEqual(faultsOf({ ...unnamed, TRUSTED_PROXIES: "127.0.0.1" }), ["PUBLIC_URL"]);
  assert.deepEqual(faults("127.0.0.1, 192.0.2.0/24,2001:db8::/32"), []);
  assert.deepEqual(faults("127.0.0.1", { API_LISTEN: "tunnel" }), ["TRUSTED_PROXIES"]);
  for (
    const bad of [
      ...["10.10.0.6", "10.10.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "127.0.0.1,10.10.0.1"],
      ...["::ffff:10.10.0.6", "fd00::6", "::/0", "localhost", "127.0.0.1,", "127.0.0.1/8", "*"],
    ]
  ) {
    assert.deepEqual(faults(bad, { WG_NETWORK6: "fd00::/64" }), ["TRUSTED_PROXIES"], bad);
  }
});

Deno.test("loadConfig: the names that are answered to, TLS and origins are whole, or are told", () => {
  const files = {
    TLS_CERT_FILE: "/etc/massacorp/cert.pem",
    TLS_KEY_FILE: "/etc/massacorp/key.pem",
  };
  const { publicUrl, allowedHosts, hsts } = loadConfig({
    ...good,
    ...files,
    ALLOWED_HOSTS: "VPN.example.com, 192.0.2.1:80, fd00::9, [FD00::8]",
  });
  assert.deepEqual([publicUrl, hsts], ["https://10.10.0.1:8000", "on"]);
  assert.deepEqual(
    [...allowedHosts],
    ["10.10.0.1", "10.10.0.2", "vpn.example.com", "192.0.2.1", "fd00::9", "fd00::8"],
  );
  const wrong: [Record<string, string>, string][] = [
    [{ TLS_CERT_FILE: files.TLS_CERT_FILE }, "TLS_KEY_FILE"],
    [{ TLS_KEY_FILE: files.TLS_KEY_FILE }, "TLS_KEY_FILE"],
    [{ ...files, TLS_KEY_FILE: "key.pem" }, "TLS_KEY_FILE"],
    [{ ...files, PUBLIC_URL: "http://vpn.example.com" }, "PUBLIC_URL"],
    [{ HSTS: "preload" }, "HSTS"],
    [{ HSTS: "yes" }, "HSTS"],
    ...["*", "https://*.example.com", "null", "https://a.example/x", "a.example", ""].map((
      each,
    ): [Record<string, string>, string] => [{ CORS_ORIGINS: `${each},` }, "CORS_ORIGINS"]),
    ...["*", "a b", "https://a.example", "a,", "a/b"].map((
      each,
    ): [Record<string, string>, string] => [{ ALLOWED_HOSTS: each }, "ALLOWED_HOSTS"]),
  ];
  for (const [settings, fault] of wrong) {
    assert(faultsOf({ ...good, ...settings }).includes(fault), JSON.stringify(settings));
  }
  assert.deepEqual(faultsOf({ ...good, ...files, HSTS: "preload" }), []);
});

Deno.test("loadConfig: in production a short or guessable secret does not boot", () => {
  for (const JWT_SECRET of ["secret", "x".repeat(64), "default-default-default-default-default"]) {
    assert.deepEqual(faultsOf({ ...good, ENV: "prod", JWT_SECRET }), ["JWT_SECRET"]);
  }
});

Deno.test("loadConfig: faults between settings are reported together with the others", () => {
  const faults = faultsOf({
    ...good,
    ENV: "prod",
    API_LISTEN: "loopback",
    API_PORT: "0",
    SESSION_LIFETIME: "31d",
    ACCESS_TOKEN_LIFETIME: "2h",
    WG_NETWORK: "10.0.0.0/8",
  });
  assert.deepEqual(faults.sort(), [
    "ACCESS_TOKEN_LIFETIME",
    "API_LISTEN",
    "API_PORT",
    "SESSION_LIFETIME",
    "WG_NETWORK",
  ]);
});

Deno.test("loadConfig: mail has a sender that the server sends for, and TLS that is not turned off twice over", () => {
  const faults = (env: Record<string, string>) => faultsOf({ ...good, ...env });
  const MAIL_FROM = "vpn@acme.example";
  assert.deepEqual(faults({ SMTP_URL: "smtp://mail.example" }), ["MAIL_FROM"]);
  assert.deepEqual(faults({ SMTP_URL: "smtp://mail.example", MAIL_FROM }), []);
  assert.deepEqual(faults({ SMTP_URL: "smtp://mail.example", MAIL_FROM, SMTP_TLS: "off" }), []);
  assert.deepEqual(faults({ SMTP_URL: "smtps://mail.example", MAIL_FROM, SMTP_TLS: "off" }), [
    "SMTP_TLS",
  ]);
});

Deno.test("loadConfig: documents are shown in development alone, the tunnel is asked for by its IPv6 addresses, too, and the newest key seals", () => {
  const at = (env: Record<string, string>) => loadConfig({ ...good, ...env });
  const docs = [{ ENV: "dev" }, { ENV: "prod" }, { ENV: "dev", API_DOCS: "off" }, {
    ENV: "prod",
    API_DOCS: "on",
  }];
  assert.deepEqual(docs.map((env) => at(env).docs), [true, false, false, true]);
  assert.deepEqual([...at({ WG_NETWORK6: "fd00:7::/64" }).allowedHosts], [
    "10.10.0.1",
    "10.10.0.2",
    "fd00:7::1",
    "fd00:7::2",
  ]);
  const keys = Array.from(
    { length: 4 },
    (_, n) => Uint8Array.from({ length: 32 }, (_, i) => n * 50 + i).toBase64(),
  );
  const [MFA_KEY = "", MFA_KEYS_OLD = "", ENCRYPTION_KEY = "", ENCRYPTION_KEYS_OLD = ""] = keys;
  const order = (env: Record<string, string>) => {
    const { mfaKeys, encryptionKeys } = at({ ...env, ENCRYPTION_KEY, ENCRYPTION_KEYS_OLD });
    return [mfaKeys, encryptionKeys].map((all) =>
      all.map((key) => keys.indexOf(key.reveal().toBase64()))
    );
  };
  // The key of everything else opens what was sealed before there was one of its own.
  assert.deepEqual(order({ MFA_KEY, MFA_KEYS_OLD }), [[0, 1, 3, 2], [2, 3]]);
  assert.deepEqual(order({}), [[2, 3], [2, 3]]);
});

Deno.test("loadConfig: the configuration prints no secret", () => {
  const printed = Deno.inspect(loadConfig(good), { depth: 10 }) + JSON.stringify(loadConfig(good));
  for (const secret of Object.values(testSecrets)) assert(!printed.includes(secret));
  assert(!printed.includes("massacorp_api:p"));
});

Deno.test("loadConfig: JWT_KEYS takes the place of JWT_SECRET, and must be keys that can sign", () => {
  const k = "q".repeat(3) + "83PoHdKnBhmx1m1ccNEKREotL7fBHiwdXGeuQMuA";
  const oct = { kty: "oct", alg: "HS256", kid: "a", k };
  const keys = (...all: object[]) => ({
    ...good,
    JWT_SECRET: "",
    JWT_KEYS: JSON.stringify({ keys: all }),
  });
  assert.deepEqual(faultsOf(keys(oct)), []);
  assert.deepEqual(faultsOf({ ...keys(oct), JWT_SECRET: good.JWT_SECRET }), ["JWT_KEYS"]);
  assert.deepEqual(faultsOf({ ...keys(oct), JWT_ALGORITHM: "ES256" }), ["JWT_ALGORITHM"]);
  assert.deepEqual(faultsOf({ ...good, JWT_ALGORITHM: "RS256" }), ["JWT_ALGORITHM"]);
  const ec = { kty: "EC", alg: "ES256", crv: "P-256", kid: "b", x: "AA", y: "AA" };
  const wrong: Record<string, object[]> = {
    "none": [],
    "a first key that cannot sign": [ec, oct],
    "twice the same kid": [oct, oct],
    "a short secret": [{ ...oct, k: "c2hvcnQ" }],
    "no algorithm": [{ ...oct, alg: "none" }],
    "a public key as a secret": [{ ...ec, alg: "HS256" }],
    "a small RSA key": [{ kty: "RSA", alg: "RS256", kid: "c", n: "AQAB", e: "AQAB", d: "AQAB" }],
    "a kid that is a path": [{ ...oct, kid: "../../dev/null" }],
  };
  for (const [name, all] of Object.entries(wrong)) {
    assert.deepEqual(faultsOf(keys(...all)), ["JWT_KEYS"], name);
  }
  assert.deepEqual(faultsOf({ ...keys(oct), JWT_KEYS: "{" }), ["JWT_KEYS"]);
});

Deno.test("loadConfig: T1: OPERATOR_LISTEN is one address, and none of the tunnel's", () => {
  const faults = (OPERATOR_LISTEN: string) =>
    faultsOf({ ...good, OPERATOR_LISTEN, WG_NETWORK6: "fd00::/64" });
  for (const well of ["127.0.0.1:9464", "[::1]:9464", "172.30.0.3:9464", "[2001:db8::1]:1"]) {
    assert.deepEqual(faults(well), [], well);
  }
  assert.deepEqual(loadConfig({ ...good, OPERATOR_LISTEN: "[::1]:9464" }).operatorListen, {
    hostname: "::1",
    port: 9464,
  });
  for (
    const bad of [
      ...["10.10.0.1:9464", "10.10.0.200:9464", "[::ffff:10.10.0.1]:9464", "[fd00::1]:9464"],
      ...["0.0.0.0:9464", "[::]:9464", "[::ffff:0.0.0.0]:9464", "localhost:9464", ":9464", "9464"],
      ...["127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:09464", "::1:9464", "127.1:94"],
    ]
  ) {
    assert.deepEqual(faults(bad), ["OPERATOR_LISTEN"], bad);
  }
});
