import { run } from "./run.ts";

/** Two hosts with a cable between them, made of network namespaces. */
export interface Hosts extends AsyncDisposable {
  server: string;
  client: string;
  serverAddress: string;
  clientAddress: string;
}

/** @param tag tells this run's namespaces and interfaces from those of others */
export async function createHosts(tag: string, network: string): Promise<Hosts> {
  const hosts = { server: `mc-server-${tag}`, client: `mc-client-${tag}` };
  // 192.0.2.0/24 is kept free for documentation (RFC 5737).
  const [serverAddress, clientAddress] = ["192.0.2.1", "192.0.2.2"];
  const dispose = async () => {
    for (const name of Object.values(hosts)) await removeNamespace(name);
  };
  try {
    for (const name of Object.values(hosts)) {
      await run(["ip", "netns", "add", name]);
      await run(["ip", "-n", name, "link", "set", "lo", "up"]);
    }
    const [a, b] = [`mcs${tag}`, `mcc${tag}`];
    await run(
      ["ip", "-n", hosts.server, "link", "add", a, "type", "veth"].concat(
        ["peer", "name", b, "netns", hosts.client],
      ),
    );
    for (
      const [host, link, address] of [
        [hosts.server, a, serverAddress],
        [hosts.client, b, clientAddress],
      ] as const
    ) {
      await run(["ip", "-n", host, "address", "add", `${address}/24`, "dev", link]);
      await run(["ip", "-n", host, "link", "set", link, "up"]);
    }
    // Outside the tunnel the client sends packets for the API to the server all the same.
    await run(["ip", "-n", hosts.client, "route", "add", network, "via", serverAddress]);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { ...hosts, serverAddress, clientAddress, [Symbol.asyncDispose]: dispose };
}

/** The namespace with everything that still runs in it. Never fails: it is what is left to do at the end. */
async function removeNamespace(name: string): Promise<void> {
  const pids = await run(["ip", "netns", "pids", name]).catch(() => "");
  for (const pid of pids.split("\n").filter(Boolean)) {
    try {
      Deno.kill(Number(pid), "SIGKILL");
    } catch {
      // It was faster.
    }
  }
  await run(["ip", "netns", "delete", name]).catch(() => {});
}
