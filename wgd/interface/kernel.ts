import type { Ip } from "./ip.ts";

/** Makes the interface in the kernel, which loads its WireGuard module where it has one. */
export async function createInKernel(ip: Ip): Promise<void> {
  await ip.addWireGuard();
}
