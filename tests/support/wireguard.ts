import type { Namespaces } from "./netns.ts";
import { until } from "./until.ts";

/** An interface that no daemon manages: the kernel's where it makes one, wireguard-go's otherwise. */
export async function addWireGuard(net: Namespaces, role: string, name: string): Promise<void> {
  const made = await net.exec(role, ["ip", "link", "add", name, "type", "wireguard"]);
  if (made.success) return;
  const [program = "", ...args] = net.argv(role, ["wireguard-go", "-f", name]);
  new Deno.Command(program, {
    args,
    env: { LOG_LEVEL: "silent" },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn().unref();
  await until(
    "wireguard-go answers",
    async () => (await net.exec(role, ["wg", "show", name, "dump"])).success,
  );
}
