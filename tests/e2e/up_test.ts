import { z } from "zod";
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { apiUid, databaseUid, sealerUid } from "../../deploy/local/identity.ts";
import { socketFetch } from "../../deploy/local/socket_http.ts";
import { heapFlags as apiHeap } from "../../api/process/heap.ts";
import { heapFlags } from "../../wgd/heap.ts";
import { namespaces } from "../support/netns.ts";
import { until } from "../support/until.ts";
import { processesOf, type RunningUp, startUp } from "../support/up.ts";

async function dataFolder() {
  const parent = await Deno.makeTempDir({ prefix: "massacorp-up-" });
  await Deno.chmod(parent, 0o711);
  return {
    path: join(parent, "data"),
    [Symbol.asyncDispose]: () => Deno.remove(parent, { recursive: true }),
  };
}

/** What a start could change: every file but the database's own and caches, and every row that counts. */
async function photograph(path: string, up: RunningUp): Promise<Record<string, string>> {
  const seen: Record<string, string> = {};
  const walk = async (folder: string) => {
    for await (const entry of Deno.readDir(folder)) {
      const file = join(folder, entry.name);
      // The daemon's snapshot is being written under that name now and then.
      if (["postgres", "cache", "run", "snapshot.new"].includes(entry.name)) continue;
      if (entry.isDirectory) await walk(file);
      else {
        const { mode, uid } = await Deno.stat(file);
        // The daemon's snapshot carries the time; it is to be there, and nobody else's to read.
        const text = entry.name === "snapshot" ? "" : await Deno.readTextFile(file);
        seen[file] = `${((mode ?? 0) & 0o777).toString(8)} ${uid} ${text}`;
      }
    }
  };
  const socket = join(path, "run/operator/api.sock");
  await until("what happened is sealed", async () => {
    const headers = { "x-tenant-id": "platform" };
    const { body } = await socketFetch(socket, "/api/v1/audit/verify", { headers });
    const { end, checkpoint } = verification.parse(body);
    return end.seq >= 2 && checkpoint?.seq === end.seq;
  });
  await walk(path);
  for (const list of ["tenants", "wireguard/peers"]) {
    const headers = { "x-tenant-id": "platform" };
    const { body } = await socketFetch(socket, `/api/v1/${list}`, { headers });
    seen[list] = JSON.stringify(body);
  }
  seen["interface"] = up.interface;
  return seen;
}

const verification = z.object({
  end: z.object({ seq: z.int() }),
  checkpoint: z.object({ seq: z.int() }).nullable(),
});

async function status(pid: number): Promise<string> {
  return await Deno.readTextFile(`/proc/${pid}/status`);
}

Deno.test("up: a first start, a second that changes nothing, and an end that leaves nothing", async (t) => {
  await using data = await dataFolder();
  await using hosts = await namespaces("server");
  let before: Record<string, string> = {};
  let name = "";

  await t.step(
    "the first start makes tenant, admin and peer, and shows the password once",
    async () => {
      await using up = startUp(hosts, "server", { dataFolder: data.path });
      await up.up();
      name = up.interface;
      const password = up.said.map((line) => /^password +(\S+) /.exec(line)?.[1]).find(Boolean);
      ok(password, up.said.join("\n"));
      match(await Deno.readTextFile(join(data.path, "admin/admin.conf")), /^PrivateKey = /m);
      before = await photograph(data.path, up);
      equal(
        Object.values(before).some((text) => text.includes(password)),
        false,
        "it is kept nowhere",
      );
      match(before["wireguard/peers"] ?? "", /"status":"active"/);

      match(await status(await up.pid("api/main.ts")), new RegExp(`^Uid:(\\t${apiUid}){4}$`, "m"));
      match(await status(await up.pid("api/main.ts")), /^CapBnd:\t0{16}$/m);
      match(
        await status(await up.pid("postgres")),
        new RegExp(`^Uid:(\\t${databaseUid}){4}$`, "m"),
      );
      match(
        await status(await up.pid("sealer/main.ts")),
        new RegExp(`^Uid:(\\t${sealerUid}){4}$`, "m"),
      );
      match(await status(await up.pid("sealer/main.ts")), /^CapBnd:\t0{16}$/m);
      match(await status(await up.pid("wgd/main.ts")), /^CapBnd:\t0{12}1000$/m);
      const daemon = await Deno.readTextFile(`/proc/${await up.pid("wgd/main.ts")}/cmdline`);
      ok(daemon.includes(heapFlags), "it runs in the memory that the bench measured it in");

      const api = await Deno.readTextFile(`/proc/${await up.pid("api/main.ts")}/cmdline`);
      ok(api.includes(apiHeap), "as well");

      const environment = await Deno.readTextFile(`/proc/${await up.pid("api/main.ts")}/environ`);
      equal(/SUBKEY|OWNER|HOME=/.test(environment), false, "nothing that is not the API's own");
      up.signal("SIGINT");
      equal(await up.ended, 0);
    },
  );

  await t.step("Ctrl-C left no process, no interface and no firewall table", async () => {
    deepEqual(await processesOf(data.path), []);
    const links = await hosts.run("server", ["ip", "-brief", "link"]);
    equal(links.includes(name), false);
    equal(await hosts.run("server", ["nft", "list", "ruleset"]), "");
  });

  await t.step("the second start finds everything and changes nothing", async () => {
    await using up = startUp(hosts, "server", { dataFolder: data.path, interface: name });
    await up.up();
    equal(up.said.some((line) => line.startsWith("password")), false);
    deepEqual(await photograph(data.path, up), before);
  });
});

Deno.test("up: what is killed is started again, and says so", async () => {
  await using data = await dataFolder();
  await using hosts = await namespaces("server");
  await using up = startUp(hosts, "server", { dataFolder: data.path });
  await up.up();
  const socket = join(data.path, "run/operator/api.sock");
  const works = async () =>
    (await socketFetch(socket, "/ready", { timeoutMs: 1_000 })).status === 200;
  for (
    const [program, service] of [
      ["api/main.ts", "api"],
      ["wgd/main.ts", "wgd"],
      ["sealer/main.ts", "sealer"],
      ["postgres", "postgres"],
    ] as const
  ) {
    const old = await up.pid(program);
    Deno.kill(old, "SIGKILL");
    await until(
      `${service} is back`,
      () => up.said.some((line) => line.includes(`${service} is back`)),
      {
        timeoutMs: 60_000,
      },
    );
    ok(await up.pid(program) !== old);
    await until("everything works", works, { timeoutMs: 60_000 });
  }
  await until("the API reaches every process", async () => {
    const found = JSON.stringify((await socketFetch(socket, "/health/deep")).body);
    return /"sealer":/.test(found) && !/degraded|unavailable/.test(found);
  }, { timeoutMs: 60_000 });
});

Deno.test("up: killed itself, it takes its processes along but not the tunnel, and starts again", async () => {
  await using data = await dataFolder();
  await using hosts = await namespaces("server");
  const first = startUp(hosts, "server", { dataFolder: data.path });
  await first.up();
  first.signal("SIGKILL");
  await first.ended;
  await until("its processes are gone", async () => (await processesOf(data.path)).length === 0, {
    timeoutMs: 60_000,
  });
  match(await hosts.run("server", ["ip", "-brief", "link"]), new RegExp(first.interface));
  await using second = startUp(hosts, "server", {
    dataFolder: data.path,
    interface: first.interface,
  });
  await second.up();
});

Deno.test("up: T1: in production there is no start without the tunnel", async () => {
  await using data = await dataFolder();
  await using hosts = await namespaces("server");
  await using up = startUp(hosts, "server", {
    dataFolder: data.path,
    args: ["--no-tunnel"],
    env: { ENV: "prod" },
  });
  equal(await up.ended, 1);
  match(up.said.join("\n"), /--no-tunnel: is refused when ENV=prod/);
});

Deno.test("up --no-tunnel: the API on loopback, peers honestly pending, no interface", async () => {
  await using data = await dataFolder();
  await using hosts = await namespaces("server");
  await using up = startUp(hosts, "server", { dataFolder: data.path, args: ["--no-tunnel"] });
  await up.up();
  match(up.said.join("\n"), /^api +ready in .*http:\/\/127\.0\.0\.1:8000$/m);
  const { body } = await socketFetch(
    join(data.path, "run/operator/api.sock"),
    "/api/v1/wireguard/peers",
    { headers: { "x-tenant-id": "platform" } },
  );
  match(JSON.stringify(body), /"status":"pending"/);
  equal((await hosts.run("server", ["ip", "-brief", "link"])).includes(up.interface), false);
});

Deno.test("up: every fault of the settings is told before anything starts", async () => {
  await using data = await dataFolder();
  await using hosts = await namespaces("server");
  await using up = startUp(hosts, "server", {
    dataFolder: data.path,
    env: { JWT_SECRET: "short", WG_MTU: "9", ENCRYPTION_KEY: "x" },
  });
  equal(await up.ended, 1);
  const said = up.said.join("\n");
  for (const name of ["JWT_SECRET", "ENCRYPTION_KEY", "WG_MTU"]) {
    match(said, new RegExp(`^ +${name}:`, "m"));
  }
  equal(said.includes("postgres  "), false);
});
