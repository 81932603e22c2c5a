import { desiredPeer } from "./daemon_views.ts";
import { encodeKey } from "../../lib/wireguard_key.ts";
import { Secret } from "../../lib/secret.ts";
import type { DesiredPeer, DesiredState } from "../../wgd/desired.ts";
import { openSnapshotFile, type SnapshotFile } from "../../wgd/snapshot/file.ts";
import { DesiredTable } from "../../wgd/desired/table.ts";
import { FakeClock } from "./clock.ts";
import { Seen } from "../../wgd/seen/mod.ts";
import { createSnapshot } from "../../wgd/snapshot/mod.ts";
import { addressPlan } from "../../lib/address.ts";
import { silentLogger } from "../../lib/log.ts";

/** A public key, of one byte over and over. */
export const key = (byte: number) => encodeKey(new Uint8Array(32).fill(byte));
const presharedSubkey = new Secret(crypto.getRandomValues(new Uint8Array(32)));

/** A peer that is wanted, its key and address made of one byte. */
export function peer(byte: number, more: Partial<DesiredPeer> = {}): DesiredPeer {
  return desiredPeer({
    id: `00000000-0000-7000-8000-0000000000${byte.toString(16).padStart(2, "0")}`,
    publicKey: key(byte),
    address: `10.10.0.${byte}`,
    allowedIps: [`10.10.0.${byte}/32`],
    presharedKey: new Secret(key(255 - byte)),
    generation: "7",
    ...more,
  });
}

/** How long a pass waits for the disk: one that is busy with others' work answers, too. */
const patient = { ms: 60_000, afterwardsMs: 60_000 };

/** A daemon's memory beside a real file; `change` stands between them for faults of the disk. */
export async function keeper(
  folder: string,
  change: (file: SnapshotFile) => Partial<SnapshotFile> = () => ({}),
  patience = patient,
) {
  const real = await openSnapshotFile({
    path: `${folder}/snapshot`,
    presharedSubkeys: [presharedSubkey],
    place: "x",
  });
  const changed = change(real);
  const file: SnapshotFile = {
    get free() {
      return changed.free ?? real.free;
    },
    read: () => real.read(),
    write: changed.write ?? ((body) => real.write(body)),
    strike: changed.strike ?? ((keys, time) => real.strike(keys, time)),
    markIncomplete: changed.markIncomplete ?? (() => real.markIncomplete()),
    unlink: changed.unlink ?? (() => real.unlink()),
  };
  const table = new DesiredTable();
  const clock = new FakeClock();
  const seen = new Seen(clock);
  const snapshot = createSnapshot({
    file,
    plan: addressPlan("10.10.0.0/24"),
    table,
    seen,
    clock,
    log: silentLogger,
    patience,
  });
  return {
    folder,
    table,
    seen,
    clock,
    snapshot,
    read: (state: Partial<DesiredState>) =>
      table.replaceAll({
        slices: "all",
        digests: new Map(),
        released: [],
        state: { peers: [], retired: [], ...state },
      }),
  };
}

export type Keeper = Awaited<ReturnType<typeof keeper>>;

/** The keys of peers that count as wanted now. */
export const live = ({ table, seen }: Keeper) => {
  const now = seen.now();
  return [...table.peers.values()].filter(({ active, expiresAt }) =>
    active && (expiresAt === null || expiresAt > now)
  ).map((found) => found.publicKey);
};

/** A first daemon that knows these rows and has written them; then `act`, then a second one on the same disk. */
export async function afterRestart(
  rows: Partial<DesiredState>,
  act: (first: Keeper) => Promise<unknown>,
  change?: (file: SnapshotFile) => Partial<SnapshotFile>,
  patience?: typeof patient,
): Promise<Keeper> {
  const folder = await Deno.makeTempDir({ prefix: "massacorp-snapshot-" });
  try {
    const first = await keeper(folder, change, patience);
    first.read(rows);
    await first.snapshot.close();
    await act(first);
    const second = await keeper(folder);
    await second.snapshot.load();
    return second;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A disk whose writes wait, from the second one on, until they are let go. */
export function heldWrites() {
  const begun = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  let writes = 0;
  const change = (real: SnapshotFile): Partial<SnapshotFile> => ({
    async write(body) {
      if (++writes > 1) {
        begun.resolve();
        await letGo.promise;
      }
      await real.write(body);
    },
  });
  return { begun: begun.promise, letGo: letGo.resolve, change };
}
