import { pauseFor } from "../../lib/pause.ts";
import { type Outcome, outcomeOf, run, type RunOptions } from "../../deploy/demo/run.ts";

/**
 * Network namespaces on one underlay, 192.0.2.0/24; the first is .1, the next .2 and so on. Disposing of them
 * kills what runs inside and deletes them.
 */
export interface Namespaces extends AsyncDisposable {
  /** Its address on the underlay. */
  address(role: string): string;
  /** Argv that runs a command inside. */
  argv(role: string, command: readonly string[]): string[];
  exec(role: string, command: readonly string[], options?: RunOptions): Promise<Outcome>;
  /** As exec, but a failure throws, and the answer is the standard output. */
  run(role: string, command: readonly string[], options?: RunOptions): Promise<string>;
}

/** A name for an interface: wireguard-go's control sockets are found by it, across namespaces. */
export function uniqueInterface(): string {
  return `mc${crypto.randomUUID().replaceAll("-", "").slice(0, 8)}`;
}

export async function namespaces<R extends string>(...roles: R[]): Promise<Namespaces> {
  const id = crypto.randomUUID().slice(0, 8);
  const names = new Map<string, string>(roles.map((role) => [role, `mc-${id}-${role}`]));
  const name = (role: string) => {
    const found = names.get(role);
    if (!found) throw new RangeError(`no namespace ${role}`);
    return found;
  };
  const argv = (role: string, command: readonly string[]) => [
    ...["ip", "netns", "exec", name(role)],
    ...command,
  ];
  const made: Namespaces = {
    address: (role) => `192.0.2.${[...names.keys()].indexOf(role) + 1}`,
    argv,
    exec: (role, command, options) => outcomeOf(argv(role, command), options),
    run: (role, command, options) => run(argv(role, command), options),
    async [Symbol.asyncDispose]() {
      for (const namespace of names.values()) await destroy(namespace);
    },
  };
  try {
    for (const namespace of names.values()) {
      await run(["ip", "netns", "add", namespace]);
      await run(["ip", "-n", namespace, "link", "set", "lo", "up"]);
    }
    await connectUnderlay(made, names);
    return made;
  } catch (error) {
    await made[Symbol.asyncDispose]();
    throw error;
  }
}

/** The first namespace holds a bridge; each of the others hangs on it by a veth pair. */
async function connectUnderlay(made: Namespaces, names: Map<string, string>): Promise<void> {
  const [[hub, hubName] = ["", ""], ...spokes] = [...names];
  await made.run(hub, ["ip", "link", "add", "underlay", "type", "bridge"]);
  await made.run(hub, ["ip", "address", "add", `${made.address(hub)}/24`, "dev", "underlay"]);
  await made.run(hub, ["ip", "link", "set", "underlay", "up"]);
  for (const [at, [role, namespace]] of spokes.entries()) {
    const port = `port${at}`;
    await run(
      ["ip", "-n", hubName, "link", "add", port, "type", "veth"]
        .concat(["peer", "name", "underlay", "netns", namespace]),
    );
    await made.run(hub, ["ip", "link", "set", port, "master", "underlay", "up"]);
    await made.run(role, ["ip", "address", "add", `${made.address(role)}/24`, "dev", "underlay"]);
    await made.run(role, ["ip", "link", "set", "underlay", "up"]);
  }
}

async function destroy(namespace: string): Promise<void> {
  // wireguard-go removes its control socket when it is asked to end, and leaves it behind when killed.
  await signalAll(namespace, "SIGTERM");
  const deadline = performance.now() + 1000;
  while (await signalAll(namespace, performance.now() < deadline ? undefined : "SIGKILL")) {
    if (performance.now() > deadline + 1000) break;
    await pauseFor(20);
  }
  await outcomeOf(["ip", "netns", "delete", namespace]);
}

/** @returns how many processes ran inside */
async function signalAll(namespace: string, signal?: Deno.Signal): Promise<number> {
  const { stdout } = await outcomeOf(["ip", "netns", "pids", namespace]);
  const pids = stdout.split("\n").filter(Boolean).map(Number);
  if (!signal) return pids.length;
  for (const pid of pids) {
    try {
      Deno.kill(pid, signal);
    } catch {
      // It ended by itself.
    }
  }
  return pids.length;
}
