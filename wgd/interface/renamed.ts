import { ProcessError, type RunProcess } from "../../lib/process.ts";
import type { Ip } from "./ip.ts";
import { createWg } from "./wg.ts";

/**
 * Gives our interface its name back when somebody has renamed it: peers, sessions and addresses are kept. Made
 * anew beside the old one, it would lose them all, find its port taken, and with wireguard-go its control socket,
 * which keeps the name that it was made with.
 *
 * @param ours.address that of the gateway with its prefix, by which the link is found
 * @returns whether there was one
 */
export async function takeNameBack(
  { run, ip, name }: { run: RunProcess; ip: Ip; name: string },
  ours: { address: string; publicKey: string },
): Promise<boolean> {
  for (const found of await ip.namesWith(ours.address)) {
    if (!["wireguard", "tun"].includes(found.kind)) continue;
    const wg = createWg(run, found.kind === "tun" ? name : found.name);
    if (await publicKeyOf(wg) !== ours.publicKey) continue;
    await ip.rename(found.name);
    return true;
  }
  return false;
}

async function publicKeyOf(wg: ReturnType<typeof createWg>): Promise<string | null> {
  try {
    return (await wg.dump()).publicKey;
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    return null;
  }
}
