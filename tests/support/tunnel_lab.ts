import { lines } from "../../lib/lines.ts";
import type { Namespaces } from "./netns.ts";

/** A network of its own behind the server, with one host in it; its address there. */
export const lan = {
  network: "198.51.100.0/24",
  server: "198.51.100.1",
  host: "198.51.100.9",
  network6: "fd99:5::/64",
  server6: "fd99:5::1",
  host6: "fd99:5::9",
};

/** Seconds that are waited for an answer that must come, however slow the machine is, and for one that must not. */
export const patience = { answer: 15, silence: 2 };

/** True when an HTTP server that says `answer` does so in time. */
export async function isAnswered(
  net: Namespaces,
  from: string,
  { address, port, seconds }: { address: string; port: number; seconds: number },
): Promise<boolean> {
  const host = address.includes(":") ? `[${address}]` : address;
  const curl = ["curl", "--silent", "--globoff", "--noproxy", "*", "--max-time", `${seconds}`];
  return (await net.exec(from, [...curl, `http://${host}:${port}`])).stdout === "answer";
}

/** True when an echo comes back: of one that is sent, or of several for as long as it must come back. */
export async function isEchoed(
  net: Namespaces,
  from: string,
  { address, must = false }: { address: string; must?: boolean },
): Promise<boolean> {
  const how = must ? ["-w", `${patience.answer}`] : ["-W", "1"];
  return (await net.exec(from, ["ping", "-n", "-c", "1", ...how, address])).success;
}

/** Takes a namespace off the underlay and puts it behind the server. */
export async function moveBehindServer(net: Namespaces, role: string): Promise<void> {
  const [namespace = ""] = net.argv(role, []).slice(3);
  await net.run(role, ["ip", "link", "delete", "underlay"]);
  await net.run("server", [
    ...["ip", "link", "add", "lan", "type", "veth"],
    ...["peer", "name", "lan", "netns", namespace],
  ]);
  for (
    const [where, four, six] of [
      ["server", lan.server, lan.server6],
      [role, lan.host, lan.host6],
    ] as const
  ) {
    await net.run(where, ["ip", "address", "add", `${four}/24`, "dev", "lan"]);
    await net.run(where, ["ip", "address", "add", `${six}/64`, "dev", "lan", "nodad"]);
    await net.run(where, ["ip", "link", "set", "lan", "up"]);
  }
  await net.run(role, ["ip", "route", "add", "default", "via", lan.server]);
  await net.run(role, ["ip", "-6", "route", "add", "default", "via", lan.server6]);
}

/** A process of the test's own in a namespace, killed at the end; `words` are its lines. */
export class Helper implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #words: AsyncGenerator<string>;

  constructor(net: Namespaces, role: string, script: string) {
    const [program = "", ...args] = net.argv(role, [
      ...[Deno.execPath(), "run", "--no-check", "--unstable-net", "--allow-net", "-"],
    ]);
    this.#child = new Deno.Command(program, { args, stdin: "piped", stdout: "piped" }).spawn();
    const writer = this.#child.stdin.getWriter();
    void writer.write(new TextEncoder().encode(script)).then(() => writer.close());
    this.#words = lines(this.#child.stdout);
  }

  /** The next line that it says. */
  async word(): Promise<string> {
    const { value } = await this.#words.next();
    return typeof value === "string" ? value : "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
    await this.#words.return(undefined);
    await this.#child.status;
  }
}

/** Answers HTTP on some ports, whoever asks. */
export async function listenOn(net: Namespaces, role: string, ports: number[]): Promise<Helper> {
  const helper = new Helper(
    net,
    role,
    `for (const port of ${JSON.stringify(ports)}) {
      Deno.serve({ hostname: "::", port, onListen() {} }, () => new Response("answer"));
    }
    console.log("ready");`,
  );
  if (await helper.word() !== "ready") throw new Error("the listener does not listen");
  return helper;
}

/**
 * Counts packets that reach a namespace from an address, whatever becomes of them there.
 * @param hook where they are counted: as they arrive, unless told
 */
export async function countFrom(
  net: Namespaces,
  role: string,
  source: string,
  hook = "prerouting priority -400",
) {
  const table = `count_${crypto.randomUUID().slice(0, 8)}`;
  const family = source.includes(":") ? "ip6" : "ip";
  const rules = `table ${family} ${table} {
    chain c { type filter hook ${hook}; ${family} saddr ${source} counter; }
  }`;
  await net.run(role, ["nft", "--file", "-"], { stdin: rules });
  return async () => {
    const text = await net.run(role, ["nft", "list", "table", family, table]);
    return Number(/packets (\d+)/.exec(text)?.[1]);
  };
}
