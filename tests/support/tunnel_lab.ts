import { lines } from "../../lib/lines.ts";
import type { Namespaces } from "./netns.ts";

/** A network of its own behind the server, with one host in it; its address there. */
export const lan = { network: "198.51.100.0/24", server: "198.51.100.1", host: "198.51.100.9" };

/** Takes a namespace off the underlay and puts it behind the server. */
export async function moveBehindServer(net: Namespaces, role: string): Promise<void> {
  const [namespace = ""] = net.argv(role, []).slice(3);
  await net.run(role, ["ip", "link", "delete", "underlay"]);
  await net.run("server", [
    ...["ip", "link", "add", "lan", "type", "veth"],
    ...["peer", "name", "lan", "netns", namespace],
  ]);
  await net.run("server", ["ip", "address", "add", `${lan.server}/24`, "dev", "lan"]);
  await net.run("server", ["ip", "link", "set", "lan", "up"]);
  await net.run(role, ["ip", "address", "add", `${lan.host}/24`, "dev", "lan"]);
  await net.run(role, ["ip", "link", "set", "lan", "up"]);
  await net.run(role, ["ip", "route", "add", "default", "via", lan.server]);
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
    this.#child.kill("SIGKILL");
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
      Deno.serve({ hostname: "0.0.0.0", port, onListen() {} }, () => new Response("answer"));
    }
    console.log("ready");`,
  );
  if (await helper.word() !== "ready") throw new Error("the listener does not listen");
  return helper;
}

/** Counts packets that reach a namespace from an address, whatever becomes of them there. */
export async function countFrom(net: Namespaces, role: string, source: string) {
  const table = `count_${crypto.randomUUID().slice(0, 8)}`;
  const rules = `table ip ${table} {
    chain c { type filter hook prerouting priority -400; ip saddr ${source} counter; }
  }`;
  await net.run(role, ["nft", "--file", "-"], { stdin: rules });
  return async () => {
    const text = await net.run(role, ["nft", "list", "table", "ip", table]);
    return Number(/packets (\d+)/.exec(text)?.[1]);
  };
}
