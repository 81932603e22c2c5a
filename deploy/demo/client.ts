import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { projectFolder } from "../local/services.ts";
import type { RequestOrder, RequestOutcome } from "./request.ts";
import { run } from "./run.ts";

/** The client's host: it has tunnel files, `wg-quick`, and a way to ask over HTTP. */
export interface Client {
  request(order: RequestOrder): Promise<RequestOutcome>;
  /** Loads a file with `wg-quick up`. */
  tunnelUp(file: string): Promise<void>;
  tunnelDown(file: string): Promise<void>;
}

export function createClient(namespace: string, signal: AbortSignal): Client {
  const inside = ["ip", "netns", "exec", namespace];
  const quick = (verb: "up" | "down", file: string) =>
    run([...inside, "wg-quick", verb, file], {
      signal,
      // Where the kernel makes no WireGuard interface, wg-quick starts this one.
      env: { WG_QUICK_USERSPACE_IMPLEMENTATION: "wireguard-go", LOG_LEVEL: "silent" },
    });
  return {
    async request(order) {
      const script = fileURLToPath(new URL("./request.ts", import.meta.url));
      const output = await run([
        ...inside,
        Deno.execPath(),
        "run",
        ...["--quiet", "--no-prompt", "--cached-only"],
        `--config=${join(projectFolder, "deno.json")}`,
        `--allow-net=${new URL(order.url).host}`,
        script,
      ], { stdin: JSON.stringify(order), timeoutMs: order.timeoutMs + 15_000, signal });
      return JSON.parse(output);
    },
    tunnelUp: async (file) => void await quick("up", file),
    tunnelDown: async (file) => void await quick("down", file),
  };
}
