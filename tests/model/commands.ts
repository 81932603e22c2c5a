import fc from "fast-check";
import { type Act, Command } from "./act.ts";
import {
  drift,
  drifts,
  killApiDuring,
  killDaemon,
  killDaemonDuring,
  startDaemon,
} from "./fault_acts.ts";
import {
  create,
  disable,
  enable,
  expire,
  mostPeers,
  prolong,
  remove,
  rotate,
  toggleOwner,
  toggleTenant,
} from "./peer_acts.ts";

const n = fc.nat({ max: mostPeers - 1 });
const tenant = fc.nat({ max: 1 });
const psk = fc.boolean();
const which = fc.record({ tenant, isOwned: fc.boolean(), psk });
const overlap = fc.oneof(
  { arbitrary: fc.constantFrom(0, 3600), weight: 5 },
  { arbitrary: fc.constant(1), weight: 1 },
);
const often = fc.boolean().chain((told) => told ? fc.constant(true) : fc.boolean());

const acts = {
  create: which.map(create),
  disable: n.map(disable),
  enable: n.map(enable),
  remove: n.map(remove),
  rotate: fc.tuple(n, overlap, psk).map(([n, overlap, psk]) => rotate(n, overlap, psk)),
  expire: n.map(expire),
  prolong: n.map(prolong),
  toggleTenant: tenant.map(toggleTenant),
  toggleOwner: tenant.map(toggleOwner),
  drift: fc.tuple(n, fc.constantFrom(...drifts), often)
    .map(([n, kind, isTold]) => drift(n, kind, isTold)),
};

/** How often each comes, among all of them. */
const weighted: [weight: number, arbitrary: fc.Arbitrary<Act>][] = [
  [6, acts.create],
  [2, acts.disable],
  [3, acts.enable],
  [2, acts.remove],
  [4, acts.rotate],
  [2, acts.expire],
  [2, acts.prolong],
  [2, acts.toggleTenant],
  [2, acts.toggleOwner],
  [4, acts.drift],
  [3, fc.constant(killDaemon)],
  [3, fc.constant(startDaemon)],
  [
    2,
    fc.oneof(acts.create, acts.disable, acts.enable, acts.remove, acts.rotate).map(
      killDaemonDuring,
    ),
  ],
  [
    1,
    fc.tuple(which, fc.constantFrom("asked" as const, "committed" as const, "answered" as const))
      .map(([which, moment]) => killApiDuring(which, moment)),
  ],
];

export function someCommands(maxCommands: number) {
  return fc.commands(
    weighted.flatMap(([weight, arbitrary]) =>
      Array.from({ length: weight }, () => arbitrary.map((act) => new Command(act)))
    ),
    { maxCommands, size: "max" },
  );
}
