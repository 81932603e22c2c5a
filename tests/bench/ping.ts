import { startPings } from "../support/pings.ts";

/**
 * Pings while something is done.
 * @param argv what runs a command in the client's namespace
 */
export async function pingWhile(
  argv: readonly string[],
  address: string,
  work: () => Promise<void>,
): Promise<{ sent: number; lost: number }> {
  const pings = startPings((command) => [...argv, ...command], address);
  await work().finally(() => pings.stop());
  const { sent, received } = await pings.stop();
  return { sent, lost: sent - received };
}
