import type { RunProcess } from "../../lib/process.ts";
import { Secret } from "../../lib/secret.ts";
import { type ObservedInterface, parseDump, parseHandshakes, parseSome } from "../observed.ts";
import type { Command, PeerChange } from "../plan.ts";

/** A peer takes about 200 bytes of a dump; the largest network has a million. */
const maxDumpBytes = 256 * 1024 * 1024;

/** wg(8) on one interface. Secrets go by stdin, never by argument. */
export interface Wg {
  /**
   * @param before an earlier answer, of which unchanged peers are taken
   * @throws {import("../observed.ts").DumpError | import("../../lib/process.ts").ProcessError}
   */
  dump(before?: ObservedInterface): Promise<ObservedInterface>;
  /** As dump, but looks at these peers alone; the others are answered as they were before. */
  dumpSome(publicKeys: Iterable<string>, before: ObservedInterface): Promise<ObservedInterface>;
  /** Public keys that ever completed a handshake, as long as the interface has had them. */
  handshakes(): Promise<Set<string>>;
  apply(command: Command): Promise<void>;
  setDevice(
    settings: { privateKey?: Secret<string>; listenPort?: number; fwmark?: "off" },
  ): Promise<void>;
}

export function createWg(run: RunProcess, name: string): Wg {
  // Holds the private key and every preshared key: parsed at once, and kept nowhere.
  const show = () => run("wg", ["show", name, "dump"], { maxOutputBytes: maxDumpBytes });
  return {
    dump: async (before) => parseDump(await show(), before),
    dumpSome: async (publicKeys, before) => parseSome(await show(), { publicKeys, before }),
    async handshakes() {
      return parseHandshakes(
        await run("wg", ["show", name, "latest-handshakes"], { maxOutputBytes: maxDumpBytes }),
      );
    },
    async apply(command) {
      if (command.kind === "addconf") {
        await run("wg", ["addconf", name, "/dev/stdin"], {
          stdin: new Secret(renderPeers(command.changes)),
        });
        return;
      }
      const { args, stdin } = renderSet(command);
      await run("wg", ["set", name, ...args], stdin ? { stdin } : {});
    },
    async setDevice({ privateKey, listenPort, fwmark }) {
      const args = [
        ...(listenPort === undefined ? [] : ["listen-port", String(listenPort)]),
        ...(fwmark === undefined ? [] : ["fwmark", fwmark]),
        ...(privateKey === undefined ? [] : ["private-key", "/dev/stdin"]),
      ];
      await run("wg", ["set", name, ...args], privateKey ? { stdin: privateKey } : {});
    },
  };
}

/** Arguments of `wg set IF`, and the one preshared key for its stdin. */
export function renderSet(
  command: Command & { kind: "set" },
): { args: string[]; stdin?: Secret<string> } {
  let stdin: Secret<string> | undefined;
  const args = command.entries.flatMap((entry) => {
    if (entry.kind === "remove") return ["peer", entry.publicKey, "remove"];
    const { publicKey, allowedIps, presharedKey, keepaliveOff } = entry.change;
    if (presharedKey && stdin) throw new RangeError("wg set reads one preshared key a call");
    if (presharedKey) stdin = presharedKey;
    return [
      ...["peer", publicKey],
      // An empty file takes the key away.
      ...(presharedKey === undefined
        ? []
        : ["preshared-key", presharedKey ? "/dev/stdin" : "/dev/null"]),
      ...(keepaliveOff ? ["persistent-keepalive", "0"] : []),
      // An empty list takes all of them away.
      ...["allowed-ips", allowedIps.join(",")],
    ];
  });
  return stdin ? { args, stdin } : { args };
}

/**
 * Text for `wg addconf`. A section for a peer that is there already replaces its allowed IPs and its preshared
 * key, and leaves endpoint, counters and session alone.
 */
export function renderPeers(changes: readonly PeerChange[]): string {
  return changes.map(({ publicKey, allowedIps, presharedKey, keepaliveOff }) =>
    [
      "[Peer]",
      `PublicKey = ${publicKey}`,
      ...(presharedKey ? [`PresharedKey = ${presharedKey.reveal()}`] : []),
      ...(keepaliveOff ? ["PersistentKeepalive = off"] : []),
      ...(allowedIps.length > 0 ? [`AllowedIPs = ${allowedIps.join(", ")}`] : []),
      "",
    ].join("\n")
  ).join("\n");
}
