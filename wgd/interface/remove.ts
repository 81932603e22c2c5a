import { chunks } from "../../lib/chunks.ts";
import type { RunProcess } from "../../lib/process.ts";
import { createFirewall } from "./firewall.ts";
import { createIp } from "./ip.ts";
import { createWg, type Wg } from "./wg.ts";

/** Takes the tunnel down: peers first (a kernel of 6.1 needs 20 ms a peer otherwise), link, firewall. */
export async function removeTunnelInterface(name: string, run: RunProcess): Promise<void> {
  const ip = createIp(run, name);
  const link = await ip.show();
  if (link?.kind === "wireguard" || link?.kind === "tun") {
    await removePeers(createWg(run, name));
    await ip.remove();
  }
  const unused = { name, network: "", network6: null, addresses: [], apiPort: 0 };
  await createFirewall(run, unused).remove();
}

async function removePeers(wg: Wg): Promise<void> {
  let keys: string[];
  try {
    keys = [...(await wg.dump()).peers.keys()];
  } catch {
    // It does not answer any more; deleting the link ends it all the same.
    return;
  }
  for (const part of chunks(keys, 1000)) {
    const entries = part.map((publicKey) => ({
      kind: "remove" as const,
      publicKey,
    }));
    await wg.apply({ kind: "set", entries });
  }
}
