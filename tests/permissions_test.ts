import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { redisServer } from "./support/redis.ts";

/**
 * The permission sets of deno.json, asked by small programs that run under them. As root, so that only the
 * set can be what refuses.
 */
const project = fileURLToPath(new URL("..", import.meta.url));

type Verdict = "allowed" | "refused" | string;

/** Runs each expression under a permission set. @returns "allowed", "refused" by Deno, or another error */
async function ask(
  set: "api" | "wgd" | "sealer" | "migrate",
  probes: Record<string, string>,
  env: Record<string, string> = {},
): Promise<Record<string, Verdict>> {
  const folder = await Deno.makeTempDir();
  try {
    const script = join(folder, "probe.ts");
    const attempts = Object.entries(probes).map(([name, expression]) =>
      `await attempt(${JSON.stringify(name)}, async () => { ${expression} });`
    );
    await Deno.writeTextFile(
      script,
      `
      const verdicts = {};
      async function attempt(name, act) {
        try { await act(); verdicts[name] = "allowed"; }
        catch (error) { verdicts[name] = error instanceof Deno.errors.NotCapable ? "refused" : String(error); }
      }
      ${attempts.join("\n")}
      console.log(JSON.stringify(verdicts));`,
    );
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-check",
        "--no-prompt",
        `-P=${set}`,
        `--config=${join(project, "deno.json")}`,
        script,
      ],
      cwd: project,
      env,
      stdin: "null",
    }).output();
    const answer = new TextDecoder().decode(stdout);
    match(answer, /^\{/, new TextDecoder().decode(stderr));
    return JSON.parse(answer);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const spawn = (program: string) =>
  `await new Deno.Command("${program}", { args: ["--version"], stdout: "null", stderr: "null" }).output();`;
const foreignLibrary = `Deno.dlopen("/lib/x86_64-linux-gnu/libc.so.6", {});`;
const nativeAddon =
  `(await import("node:module")).createRequire("${project}api/main.ts")("/tmp/foreign.node");`;

Deno.test("api: spawns nothing, by whatever way", async () => {
  const programs = ["sh", "wg", "ip", Deno.execPath()];
  const probes = Object.fromEntries(programs.map((program) => [program, spawn(program)]));
  const node = `await new Promise((done, fail) => {
    import("node:child_process").then(({ execFile }) => execFile("true", { env: {} }, (e) => e ? fail(e) : done())).catch(fail);
  });`;
  const worker = `await new Promise((done, fail) => {
    const source = "try { new Deno.Command('true').outputSync(); postMessage('ran'); } catch (e) { postMessage(e.name); }";
    const worker = new Worker("data:text/javascript," + encodeURIComponent(source), { type: "module" });
    worker.onmessage = ({ data }) => {
      worker.terminate();
      data === "ran" ? done() : fail(data === "NotCapable" ? new Deno.errors.NotCapable(data) : data);
    };
  });`;
  const verdicts = await ask("api", { ...probes, node, worker });
  deepEqual(new Set(Object.values(verdicts)), new Set(["refused"]), JSON.stringify(verdicts));
});

Deno.test("api: loads no native code but the hash module", async () => {
  deepEqual(await ask("api", { foreignLibrary, nativeAddon }), {
    foreignLibrary: "refused",
    nativeAddon: "refused",
  });
  const hash = join(project, "api/auth/password_hash.ts");
  deepEqual(await ask("api", { hash: `await import("${hash}");` }), { hash: "allowed" });
});

Deno.test("api: judges passwords and compares bcrypt in threads, within its own set", async () => {
  const module = (name: string) => JSON.stringify(join(project, "api/auth", name));
  const verdicts = await ask("api", {
    strength: `
      const strength = (await import(${module("password_strength.ts")})).createPasswordStrength();
      const { guessesLog10 } = await strength.judge("x9K#mQ2$vLp8", ["acme"]);
      strength.close();
      if (guessesLog10 < 8) throw new Error(String(guessesLog10));`,
    bcrypt: `
      const hash = (await import(${
      module("../../node_modules/bcryptjs/index.js")
    })).hashSync("x", 10);
      const bcrypt = (await import(${module("bcrypt.ts")})).createBcrypt({ concurrency: 1 });
      const verdicts = [await bcrypt.verify(hash, "x"), await bcrypt.verify(hash, "y")];
      bcrypt.close();
      if (String(verdicts) !== "true,false") throw new Error(String(verdicts));`,
  });
  deepEqual(verdicts, { strength: "allowed", bcrypt: "allowed" });
});

Deno.test("api: D4: reaches its Redis within its own set", async () => {
  await using redis = await redisServer();
  const module = (path: string) => JSON.stringify(join(project, path));
  const verdicts = await ask("api", {
    redis: `
      const { connectRedis } = await import(${module("api/limits/redis.ts")});
      const { Secret } = await import(${module("lib/secret.ts")});
      const { promise, resolve, reject } = Promise.withResolvers();
      const log = { warn: (message, { error }) => reject(new Error(message + ": " + error)), info() {} };
      const redis = connectRedis(new Secret(${JSON.stringify(redis.url)}),
        { connectTimeoutMs: 5000, commandTimeoutMs: 5000, log });
      redis.client.on("ready", resolve);
      try {
        await promise;
        await redis.ping();
      } finally {
        redis.close();
      }`,
  });
  deepEqual(verdicts, { redis: "allowed" });
});

Deno.test("api: reads and writes nothing outside its folders", async () => {
  deepEqual(
    await ask("api", {
      passwd: `await Deno.readTextFile("/etc/passwd");`,
      memory: `await Deno.readTextFile("/proc/self/environ");`,
      code: `await Deno.writeTextFile("${project}api/planted.ts", "");`,
      temporary: `await Deno.writeTextFile("/tmp/planted", "");`,
      link: `await Deno.symlink("/etc/passwd", "/run/massacorp/link");`,
      own: `await Deno.readTextFile("${project}deno.json");`,
    }),
    {
      passwd: "refused",
      memory: "refused",
      code: "refused",
      temporary: "refused",
      link: "refused",
      own: "allowed",
    },
  );
});

Deno.test("api: sees its own variables alone", async () => {
  const verdicts = await ask("api", {
    path: `Deno.env.get("PATH");`,
    all: `Deno.env.toObject();`,
    subkey: `Deno.env.get("WGD_PRESHARED_SUBKEY");`,
    own: `Deno.env.get("DATABASE_URL");`,
  });
  deepEqual(verdicts, { path: "refused", all: "refused", subkey: "refused", own: "allowed" });
});

Deno.test("wgd: runs its four programs and no other", async () => {
  const verdicts = await ask("wgd", {
    sh: spawn("sh"),
    deno: spawn(Deno.execPath()),
    wgQuick: spawn("wg-quick"),
    // A program of that name elsewhere is not the one that was allowed.
    impostor: spawn("/tmp/wg"),
    wg: spawn("wg"),
  });
  const { wg, ...others } = verdicts;
  deepEqual(new Set(Object.values(others)), new Set(["refused"]), JSON.stringify(verdicts));
  // On a machine without it, Deno cannot tell which program was meant.
  if (await isInstalled("wg")) equal(wg, "allowed");
});

Deno.test("wgd: loads no native code, and reads and writes nothing outside its folders", async () => {
  deepEqual(
    await ask("wgd", {
      foreignLibrary,
      nativeAddon,
      passwd: `await Deno.readTextFile("/etc/passwd");`,
      code: `await Deno.writeTextFile("${project}wgd/planted.ts", "");`,
      temporary: `await Deno.writeTextFile("/tmp/planted", "");`,
      masterKey: `Deno.env.get("ENCRYPTION_KEY");`,
    }),
    {
      foreignLibrary: "refused",
      nativeAddon: "refused",
      passwd: "refused",
      code: "refused",
      temporary: "refused",
      masterKey: "refused",
    },
  );
});

Deno.test("sealer: runs nothing, loads no native code, and reads and writes nothing outside its folders", async () => {
  const verdicts = await ask("sealer", {
    sh: spawn("sh"),
    deno: spawn(Deno.execPath()),
    foreignLibrary,
    nativeAddon,
    passwd: `await Deno.readTextFile("/etc/passwd");`,
    gatewayKey: `await Deno.readTextFile("/var/lib/massacorp/wgd/gateway.key");`,
    code: `await Deno.writeTextFile("${project}sealer/planted.ts", "");`,
    temporary: `await Deno.writeTextFile("/tmp/planted", "");`,
    masterKey: `Deno.env.get("ENCRYPTION_KEY");`,
    tokens: `Deno.env.get("JWT_SECRET");`,
  });
  deepEqual(new Set(Object.values(verdicts)), new Set(["refused"]), JSON.stringify(verdicts));
});

Deno.test("api, wgd: neither is told the key that signs checkpoints", async () => {
  for (const set of ["api", "wgd"] as const) {
    deepEqual(await ask(set, { key: `Deno.env.get("AUDIT_SIGNING_KEY_FILE");` }), {
      key: "refused",
    });
  }
});

Deno.test("api, wgd, sealer, migrate: each may speak to PostgreSQL by its socket, and the API to a pooler", async () => {
  const connect = (path: string) =>
    `await new Promise((done, fail) => {
      import("node:net").then(({ connect }) => {
        const socket = connect("${path}", () => { socket.destroy(); done(); }).on("error", fail);
      }).catch(fail);
    });`;
  for (const set of ["api", "wgd", "sealer", "migrate"] as const) {
    const { server, pooler } = await ask(set, {
      server: connect("/run/postgresql/.s.PGSQL.5432"),
      pooler: connect("/run/pgbouncer/.s.PGSQL.6432"),
    });
    // Where nobody listens, the kernel says so, and not the set.
    const reached = /^allowed$|ENOENT|ECONNREFUSED/;
    match(server ?? "", reached, set);
    if (set === "api") match(pooler ?? "", reached);
    else match(pooler ?? "", /^refused$|NotCapable/, set);
  }
});

Deno.test("loadConfig: each process may read every variable that it knows", async () => {
  for (const set of ["api", "wgd", "sealer"] as const) {
    const { config } = await ask(set, {
      config: `
        const { loadConfig } = await import("${project}${set}/config.ts");
        try { loadConfig(); } catch (error) { if (error.name !== "ConfigError") throw error; }`,
    });
    equal(config, "allowed", set);
  }
});

async function isInstalled(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", {
    args: ["-c", 'command -v "$1"', "sh", program],
    stdout: "null",
  }).output();
  return success;
}
