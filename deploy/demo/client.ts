import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { projectFolder } from "../local/services.ts";
import type { RequestOrder, RequestOutcome } from "./request.ts";
import { run } from "./run.ts";

/** The client's host: it has tunnel files, `wg-quick`, and a way to ask over HTTP. */
export interface Client extends AsyncDisposable {
  request(order: RequestOrder): Promise<RequestOutcome>;
  /** Loads a file with `wg-quick up`, after taking down the one loaded before. */
  load(file: string): Promise<void>;
}

export function createClient(namespace: string, signal: AbortSignal): Client {
  const inside = ["ip", "netns", "exec", namespace];
  let loaded: string | undefined;
  const quick = (verb: "up" | "down", file: string) =>
    run([...inside, "wg-quick", verb, file], {
      // Where the kernel makes no WireGuard interface, wg-quick starts this one.
      env: { WG_QUICK_USERSPACE_IMPLEMENTATION: "wireguard-go", LOG_LEVEL: "silent" },
    });
  const unload = async () => {
    const file = loaded;
    loaded = undefined;
    if (file !== undefined) await quick("down", file);
  };
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
    async load(file) {
      await unload();
      await quick("up", file);
      loaded = file;
    },
    [Symbol.asyncDispose]: unload,
  };
}
