import { parseIPv4 } from "../../lib/address.ts";

/**
 * The address that this host would use toward the world, by its own routing table: nothing is sent.
 * Falls back to any address of the host, and to loopback on a host that has none.
 */
export async function primaryAddress(): Promise<string> {
  return await routeSource() ?? interfaceAddress() ?? "127.0.0.1";
}

async function routeSource(): Promise<string | undefined> {
  // 198.51.100.0/24 is kept free for documentation: no host has a route of its own to it.
  const command = new Deno.Command("ip", { args: ["-json", "route", "get", "198.51.100.1"] });
  try {
    const { success, stdout } = await command.output();
    return success ? parseRoute(new TextDecoder().decode(stdout)) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The source address in what `ip -json route get` prints. */
export function parseRoute(text: string): string | undefined {
  const found = /"prefsrc":\s*"([^"]+)"/.exec(text)?.[1];
  return found !== undefined && parseIPv4(found) !== undefined ? found : undefined;
}

function interfaceAddress(): string | undefined {
  return Deno.networkInterfaces().find(({ family, address }) =>
    family === "IPv4" && !address.startsWith("127.")
  )?.address;
}
