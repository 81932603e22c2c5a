import { generateKeyPair, generatePresharedKey } from "../../lib/wireguard_key.ts";
import { lines } from "../../lib/lines.ts";
import type { Namespaces } from "../support/netns.ts";
import { uniqueInterface } from "../support/netns.ts";
import { until } from "../support/until.ts";

/** An interface of wireguard-go that nobody manages, and a shell beside it that runs `wg set` on it. */
export interface BareInterface extends AsyncDisposable {
  /** Sets one peer, and returns when `wg` has ended. */
  set(peer: BarePeer): Promise<void>;
  /** Runs `wg` once with a whole configuration: `addconf` or `syncconf`. */
  load(verb: "addconf" | "syncconf", config: string): Promise<void>;
  readonly name: string;
}

export interface BarePeer {
  publicKey: string;
  presharedKey: string;
  address: string;
}

/** Peers as a configuration file has them. */
export function peerSections(peers: Iterable<BarePeer>): string {
  return [...peers].map(({ publicKey, presharedKey, address }) =>
    `[Peer]\nPublicKey = ${publicKey}\nPresharedKey = ${presharedKey}\nAllowedIPs = ${address}/32\n`
  ).join("");
}

/** @param role the namespace it lies in; the shell is started once, so that only \`wg\` itself is measured */
export async function bareInterface(net: Namespaces, role: string): Promise<BareInterface> {
  const name = uniqueInterface();
  const go = spawn(net.argv(role, ["wireguard-go", "-f", name]), "null");
  await until(
    "the bare interface is there",
    async () => (await net.exec(role, ["wg", "show", name, "dump"])).success,
  );
  const script =
    'while read -r key psk address; do wg set "$1" peer "$key" preshared-key /dev/stdin ' +
    'allowed-ips "$address" <<<"$psk" && echo done || echo failed; done';
  const shell = spawn(net.argv(role, ["bash", "-c", script, "bash", name]), "piped");
  const writer = shell.stdin.getWriter();
  const answers = lines(shell.stdout)[Symbol.asyncIterator]();
  return {
    name,
    async load(verb, config) {
      await net.run(role, ["wg", verb, name, "/dev/stdin"], { stdin: config });
    },
    async set({ publicKey, presharedKey, address }) {
      await writer.write(
        new TextEncoder().encode(`${publicKey} ${presharedKey} ${address}/32\n`),
      );
      const { value } = await answers.next();
      if (value !== "done") throw new Error("wg set failed");
    },
    async [Symbol.asyncDispose]() {
      await writer.close();
      await shell.status;
      await net.exec(role, ["ip", "link", "delete", name]);
      await go.status;
    },
  };
}

function spawn([program = "", ...args]: string[], stream: "piped" | "null"): Deno.ChildProcess {
  return new Deno.Command(program, {
    args,
    env: { LOG_LEVEL: "silent" },
    stdin: stream,
    stdout: stream,
    stderr: "null",
  }).spawn();
}

export async function barePeers(count: number): Promise<BarePeer[]> {
  const peers: BarePeer[] = [];
  for (let index = 0; index < count; index++) {
    const { publicKey } = await generateKeyPair();
    peers.push({
      publicKey,
      presharedKey: generatePresharedKey().reveal(),
      address: `10.40.${index >> 8}.${index & 255}`,
    });
  }
  return peers;
}
