import assert from "node:assert/strict";
import { type PeerFacts, type Reason, reasonsOf } from "./policy.ts";

const key = "j4tuGWkb4fVgP42agHZJ5gvezYbKoUbgv3x8cLi29zs=";
const row = {
  publicKey: key,
  successorKey: null,
  enabled: true,
  removed: false,
  expired: false,
  ownerActive: true,
  tenantActive: true,
  generation: 7n,
};
const applied = { state: "applied", generation: 7n, error: null } as const;
const removed = { state: "removed", generation: 7n, error: null } as const;
const there: PeerFacts["observed"] = new Map([[key, []]]);
const gone: PeerFacts["observed"] = new Map();
const facts = (change: Partial<PeerFacts>): PeerFacts => ({
  desired: row,
  recorded: applied,
  observed: there,
  repaired: null,
  daemon: "ok",
  ...change,
});

const cases: Record<string, [Partial<PeerFacts>, Reason["code"][]]> = {
  "as desired": [{}, ["applied"]],
  "not seen yet": [{ recorded: null, observed: gone }, ["pending"]],
  "seen at an older generation": [{ recorded: { ...applied, generation: 6n } }, ["pending"]],
  "held": [
    { recorded: { state: "held", generation: 7n, error: "why" }, observed: gone },
    ["held"],
  ],
  "refused by wg": [
    { recorded: { state: "failed", generation: 7n, error: "why" }, observed: gone },
    ["failed"],
  ],
  "taken off by hand a moment ago": [{ observed: gone }, ["drift"]],
  "robbed of an address": [{ observed: new Map([[key, ["allowed_ips"]]]) }, ["drift"]],
  "with another preshared key": [{ observed: new Map([[key, ["preshared_key"]]]) }, ["drift"]],
  "changed by hand a while ago": [
    { repaired: { at: "2030-01-01T00:00:00.000Z", differences: ["preshared_key"] } },
    ["applied", "drift_repaired"],
  ],
  "with a key that it had before": [{ observed: new Map([...there ?? [], ["old", []]]) }, [
    "applied",
    "old_key",
  ]],
  "with a key that waits to take over": [
    {
      desired: { ...row, successorKey: "next" },
      observed: new Map([...there ?? [], ["next", []]]),
    },
    ["applied", "rotating"],
  ],
  "disabled, and gone": [
    { desired: { ...row, enabled: false }, recorded: removed, observed: gone },
    ["disabled"],
  ],
  "disabled, and still there": [{ desired: { ...row, enabled: false } }, ["disabled", "revoking"]],
  "disabled, recorded gone, and there again": [
    { desired: { ...row, enabled: false }, recorded: removed },
    ["disabled", "revoking"],
  ],
  "everything at once": [
    {
      desired: {
        ...row,
        enabled: false,
        removed: true,
        expired: true,
        ownerActive: false,
        tenantActive: false,
      },
      recorded: removed,
      observed: gone,
    },
    ["removed", "disabled", "expired", "user_inactive", "tenant_suspended"],
  ],
  "removed, the daemon away": [
    { desired: { ...row, removed: true }, observed: null, daemon: "unreachable" },
    ["removed", "revoking", "daemon_unreachable"],
  ],
  "on another gateway": [{ observed: null, daemon: "elsewhere" }, [
    "applied",
    "daemon_elsewhere",
  ]],
  "new, the daemon without its database": [
    { recorded: null, observed: gone, daemon: "degraded" },
    ["pending", "daemon_degraded"],
  ],
  "its row gone": [{ desired: null, recorded: null, observed: gone }, ["removed"]],
};

for (const [name, [change, codes]] of Object.entries(cases)) {
  Deno.test(`reasonsOf: ${name}`, () => {
    assert.deepEqual(reasonsOf(facts(change)).map(({ code }) => code), codes);
  });
}

Deno.test("reasonsOf: the daemon's own words stand in it", () => {
  const error = "wg failed with exit code 1";
  const recorded = { state: "failed", generation: 7n, error } as const;
  assert.equal(reasonsOf(facts({ recorded }))[0]?.detail, error);
});

Deno.test("reasonsOf: T6: of a preshared key changed by hand it says that, and when it was put right", () => {
  const at = "2030-01-01T00:00:00.000Z";
  const [, repaired] = reasonsOf(facts({ repaired: { at, differences: ["preshared_key"] } }));
  assert.equal(repaired?.detail, `it was found with another preshared key, and put right at ${at}`);
});
