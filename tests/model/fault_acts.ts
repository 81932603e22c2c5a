import assert from "node:assert/strict";
import type { Act } from "./act.ts";
import { create, createPeer } from "./peer_acts.ts";
import { generatePresharedKey } from "../../lib/wireguard_key.ts";
import { until } from "../support/until.ts";

export const drifts = ["remove", "preshared_key", "steal", "add", "interface"] as const;

/** Something is done by hand; the daemon is told to look, or finds it by itself. */
export const drift = (n: number, kind: typeof drifts[number], isTold: boolean): Act => ({
  name: `by hand: ${kind} ${n}${isTold ? "" : ", untold"}`,
  isPossible: ({ kernel, daemonRuns }) =>
    kernel !== null && kernel.size > (kind === "steal" ? 1 : 0) &&
    // To a daemon that was not there, a key added by hand may be one whose row vanished.
    (kind !== "add" || daemonRuns),
  async perform(model, { stack: { daemon, net } }) {
    const { kernel } = model;
    if (!kernel) return;
    const keys = [...kernel.keys()].sort();
    const key = keys[n % keys.length] ?? assert.fail();
    const entry = kernel.get(key) ?? assert.fail();
    const set = (...args: string[]) => daemon.wg("set", daemon.name, "peer", ...args);
    if (kind === "remove") {
      await set(key, "remove");
      kernel.delete(key);
    } else if (kind === "preshared_key") {
      const other = generatePresharedKey().reveal();
      await net.run(
        "server",
        ["wg", "set", daemon.name, "peer", key, "preshared-key", "/dev/stdin"],
        { stdin: other },
      );
      entry.presharedKey = other;
    } else if (kind === "steal") {
      const victim = kernel.get(keys[(n + 1) % keys.length] ?? "") ?? assert.fail();
      await set(key, "allowed-ips", victim.allowedIps.join());
      entry.allowedIps = victim.allowedIps;
      victim.allowedIps = [];
    } else if (kind === "add") {
      await set(generatePresharedKey().reveal(), "allowed-ips", "10.10.0.250/32");
    } else {
      await daemon.ip("link", "delete", daemon.name);
      model.kernel = null;
    }
    if (isTold && model.daemonRuns) await daemon.client.reconcile({});
  },
});

export const killDaemon: Act = {
  name: "kill -9 of the daemon",
  isPossible: ({ daemonRuns }) => daemonRuns,
  async perform(model, { stack: { daemon } }) {
    await daemon.end("SIGKILL");
    model.daemonRuns = false;
  },
};

export const startDaemon: Act = {
  name: "start of the daemon",
  isPossible: ({ daemonRuns }) => !daemonRuns,
  async perform(model, { stack: { daemon } }) {
    await daemon.start();
    model.daemonRuns = true;
  },
};

export const killDaemonDuring = (act: Act): Act => ({
  name: `kill -9 of the daemon, and its start, during: ${act.name}`,
  isPossible: (model) => model.daemonRuns && act.isPossible(model),
  async perform(model, world) {
    const { daemon } = world.stack;
    await Promise.all([act.perform(model, world), daemon.end("SIGKILL")]);
    await daemon.start();
  },
});

/** @param moment what of a creation the API lives to see */
export const killApiDuring = (
  which: { tenant: number; isOwned: boolean; psk: boolean },
  moment: "asked" | "committed" | "answered",
): Act => ({
  name: `kill -9 of the API, and its start, once it is ${moment}: ${create(which).name}`,
  isPossible: create(which).isPossible,
  perform: (model, world) =>
    createPeer(model, world, which, async (asking, name) => {
      const { stack } = world;
      if (moment === "committed") {
        await until("it is committed", async () => {
          const rows = await stack.db.owner`select from wg_peers where name = ${name}`;
          return rows.length === 1;
        }, { everyMs: 1 });
      } else if (moment === "answered") await asking;
      await stack.stopApi("SIGKILL");
      await stack.startApi();
    }),
});
