import assert from "node:assert/strict";
import { configFileName, peerStatus, type StatusFacts } from "./policy.ts";

const wanted: StatusFacts = {
  enabled: true,
  deleted: false,
  expired: false,
  ownerActive: true,
  generation: 7n,
  observed: { state: "applied", generation: 7n },
};
const seen = (state: "applied" | "removed" | "failed" | "held", generation = 7n) => ({
  observed: { state, generation },
});

Deno.test("peerStatus: says what was read back, never what was asked for", () => {
  const cases: [Partial<StatusFacts>, string][] = [
    [{}, "active"],
    [seen("applied", 6n), "pending"],
    [{ observed: null }, "pending"],
    [seen("removed"), "pending"],
    [seen("failed"), "pending"],
    [seen("held"), "pending"],
    [{ enabled: false }, "revoking"],
    [{ enabled: false, observed: null }, "revoking"],
    [{ enabled: false, ...seen("removed", 6n) }, "revoking"],
    [{ enabled: false, ...seen("removed") }, "disabled"],
    [{ expired: true }, "revoking"],
    [{ expired: true, ...seen("removed") }, "expired"],
    [{ expired: true, enabled: false, ...seen("removed") }, "disabled"],
    [{ ownerActive: false }, "revoking"],
    [{ ownerActive: false, ...seen("removed") }, "disabled"],
    [{ deleted: true }, "revoking"],
    [{ deleted: true, ...seen("removed") }, "revoking"],
  ];
  for (const [facts, expected] of cases) {
    assert.equal(peerStatus({ ...wanted, ...facts }), expected, Deno.inspect(facts));
  }
});

Deno.test("configFileName: wg-quick takes it as an interface name, whatever the peer is called", () => {
  const cases = {
    "ada-laptop": "ada-laptop.conf",
    "Ada's very long laptop name": "Ada-s-very-long.conf",
    "Élodie": "Elodie.conf",
    "../../etc/passwd": "etc-passwd.conf",
    "日本": "massacorp.conf",
    "-rf": "rf.conf",
    ".": "massacorp.conf",
    'x"; filename="evil': "x-filename=-evi.conf",
  };
  for (const [name, expected] of Object.entries(cases)) {
    assert.equal(configFileName(name), expected);
    assert.match(configFileName(name), /^[a-zA-Z0-9_=+.-]{1,15}\.conf$/);
  }
});
