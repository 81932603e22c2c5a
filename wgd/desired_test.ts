import assert from "node:assert/strict";
import { desiredPeer } from "../tests/support/daemon_views.ts";
import { isWanted } from "./desired.ts";

Deno.test("isWanted: up to its very end", () => {
  const peer = desiredPeer({
    id: "a",
    publicKey: "A",
    expiresAt: 1000,
  });
  assert.equal(isWanted(peer, 999), true);
  assert.equal(isWanted(peer, 1000), false);
  assert.equal(isWanted({ ...peer, active: false }, 0), false);
});
