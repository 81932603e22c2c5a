import { join } from "node:path";
import { run } from "../../deploy/demo/run.ts";
import { projectFolder } from "../../deploy/local/services.ts";
import { secretOf } from "../support/output.ts";
import type { Engine } from "./engine.ts";

/** Where the API is, inside the tunnel. */
export const api = "http://10.10.0.2:8000";

/** Containers take their time. */
export const patient = { timeoutMs: 120_000, everyMs: 250 };

/** The project as a clone has it, and nothing that only lies here; changes that are not committed included. */
export async function clone(undo: AsyncDisposableStack): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-compose-" });
  undo.defer(() => Deno.remove(folder, { recursive: true }));
  const script = 'git -C "$1" ls-files -z | tar -C "$1" --null --files-from - -c | tar -C "$2" -x';
  await run(["bash", "-euo", "pipefail", "-c", script, "bash", projectFolder, folder], {
    timeoutMs: 60_000,
  });
  return folder;
}

interface Container {
  Name: string;
  State: {
    Pid: number;
    Status: string;
    ExitCode: number;
    StartedAt: string;
    Health?: { Status: string };
  };
  HostConfig: { ReadonlyRootfs: boolean };
  NetworkSettings: {
    Ports: Record<string, { HostPort: string }[] | null>;
    Networks: Record<string, { IPAddress: string }>;
  };
  Config: { Labels: Record<string, string> };
}

/** The project's containers by the name of their service. */
export async function containers({ docker }: Engine): Promise<Record<string, Container>> {
  const ids = (await docker(["ps", "--all", "--quiet"])).split("\n").filter(Boolean);
  const found: Container[] = JSON.parse(await docker(["inspect", ...ids]));
  return Object.fromEntries(
    found.map((each) => [each.Config.Labels["com.docker.compose.service"] ?? each.Name, each]),
  );
}

/** The container of one of them. */
export async function service(engine: Engine, name: string): Promise<Container> {
  const found = (await containers(engine))[name];
  if (!found) throw new Error(`no container ${name}`);
  return found;
}

/** Whether a TCP connection from there opens, is refused, or gets no answer within so long. */
export async function tryTcp(
  engine: Engine,
  from: "client" | "host",
  to: string,
  seconds = 1,
): Promise<string> {
  const [host = "", port = ""] = to.split(":");
  const script = 'exec 3<>"/dev/tcp/$1/$2"';
  const { code, stderr } = await engine.hosts.exec(from, [
    ...["timeout", String(seconds), "bash", "-c", script, "bash", host, port],
  ]);
  return code === 0 ? "open" : /refused/.test(stderr) ? "refused" : "silence";
}

/** What `wg-quick` loads on the client's host. */
export async function adminFile(folder: string, undo: AsyncDisposableStack): Promise<string> {
  const own = await Deno.makeTempDir();
  undo.defer(() => Deno.remove(own, { recursive: true }));
  const path = join(own, `mc${crypto.randomUUID().slice(0, 8)}.conf`);
  await Deno.copyFile(join(folder, ".massacorp/admin/admin.conf"), path);
  return path;
}

/** What each secret file holds; of a connection URL, its password. */
export async function secretsBelow(folder: string): Promise<Map<string, string>> {
  const files = await run(["find", join(folder, "secrets"), join(folder, "wgd"), "-type", "f"]);
  const found = new Map<string, string>();
  for (const path of files.split("\n").filter(Boolean)) {
    if (path.endsWith("/snapshot")) continue;
    const secret = secretOf(await Deno.readTextFile(path)).replace("requirepass ", "");
    // Of keys that were replaced there are none yet.
    if (secret !== "" || !path.endsWith("s_old")) found.set(path, secret);
  }
  return found;
}
