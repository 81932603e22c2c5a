import assert from "node:assert/strict";
import { daemonStatus, desiredPeer } from "../../tests/support/daemon_views.ts";
import { ProcessError } from "../../lib/process.ts";
import { parseExposition, sampleOf } from "../../tests/support/exposition.ts";
import { Meters } from "../seen/meters.ts";
import { renderMetrics } from "./metrics.ts";
import type { ObservedPeer } from "../observed.ts";
import { Seen } from "../seen/mod.ts";
import type { Verdict } from "../seen/verdict.ts";

const now = Date.UTC(2030, 0, 1);
const status = daemonStatus({
  snapshot: { written_at: "2029-12-31T23:59:00.000Z", error: null },
  counts: { desired: 3, applied: 2, drift: 1, held: 1, unexplained: 4, failed: 5 },
  started_at: "2029-12-31T00:00:00.000Z",
});

const row = (tenantId: number, publicKey: string) =>
  desiredPeer({
    tenantId,
    id: `id of ${publicKey}`,
    publicKey,
  });
const seenPeer = (
  publicKey: string,
  secondsAgo: number | null,
): [string, ObservedPeer] => [publicKey, {
  publicKey,
  presharedKey: null,
  endpoint: "192.0.2.7:4000",
  allowedIps: ["10.10.0.6/32"],
  latestHandshake: secondsAgo === null ? 0 : now / 1000 - secondsAgo,
  receivedBytes: 0,
  sentBytes: 0,
  persistentKeepalive: null,
}];

Deno.test("renderMetrics: every line is of the format, and none has a key or an address", async () => {
  const seen = new Seen();
  seen.countDrift("allowed_ips");
  seen.countDrift("allowed_ips");
  seen.passDone({ scope: "all", seconds: 0.25, at: now });
  seen.passDone({ scope: "some", seconds: 0.02, at: now });
  seen.meters.batchSize.observe({}, 700);
  seen.meters.apply.observe({}, 0.004);
  const failing = seen.meters.counted((program) => {
    throw new ProcessError(program, "timeout", null, "");
  });
  await assert.rejects(failing("nft", []), ProcessError);
  seen.readBack({
    publicKey: status.interface.public_key,
    listenPort: 51820,
    fwmark: null,
    peers: new Map([
      seenPeer("a", 10),
      seenPeer("b", 179),
      seenPeer("c", 180),
      seenPeer("d", null),
      seenPeer("nobody's", 1),
    ]),
    settings: {},
  }, now);
  const peers = [row(1, "a"), row(1, "b"), row(1, "c"), row(2, "d"), row(2, "not there")];
  const text = renderMetrics({ status, seen, peers, now });
  const read = parseExposition(text);
  const value = (name: string, labels = {}) => sampleOf(read, `massacorp_wgd_${name}`, labels);
  assert.deepEqual(
    ["desired", "applied", "held", "failed"].map((name) => value(`peers_${name}`)),
    [3, 2, 1, 5],
  );
  assert.deepEqual([value("keys_unexplained"), value("drift")], [4, 1]);
  assert.equal(value("drift_total", { kind: "allowed_ips" }), 2);
  assert.deepEqual(["1", "2"].map((tenant) => value("peers_online", { tenant })), [2, 0]);
  assert.equal(value("snapshot_timestamp_seconds"), now / 1000 - 60);
  assert.equal(value("database_connected"), 1);
  assert.deepEqual(
    ["all", "some"].map((scope) => value("pass_duration_seconds_sum", { scope })),
    [0.25, 0.02],
  );
  assert.equal(value("apply_peers_bucket", { le: "500" }), 0);
  assert.equal(value("apply_peers_bucket", { le: "1000" }), 1);
  assert.equal(value("command_failures_total", { program: "nft", failure: "timeout" }), 1);
  assert.equal(sampleOf(read, "process_start_time_seconds"), now / 1000 - 86_400);
  for (const secret of [status.interface.public_key, "192.0.2", "10.10.0", "id of"]) {
    assert.ok(!text.includes(secret), secret);
  }
});

Deno.test("Meters: a change is timed from its row's own time to the pass that proves it, once", () => {
  const meters = new Meters();
  const sample = (what: string) =>
    sampleOf(
      parseExposition(meters.render()),
      `massacorp_wgd_commit_to_kernel_seconds_${what}`,
    );
  const pass = (
    generation: string,
    state: Verdict["state"],
    { recorded = "1", changedAt = 1_000 }: { recorded?: string; changedAt?: number } = {},
  ) => {
    const status = { generation: recorded, state: "applied", error: null } as const;
    const peer = { ...row(1, "a"), generation, status, changedAt };
    const verdicts = new Map([["id of a", { state, error: null }]]);
    meters.proven([peer], { verdicts, since: 500, at: 1_250 });
  };
  pass("1", "applied");
  assert.equal(sample("count"), 0, "it was recorded before");
  pass("2", "applied", { changedAt: 499 });
  assert.equal(sample("count"), 0, "it is from before the first full pass");
  pass("2", "held");
  assert.equal(sample("count"), 0, "what is held is not waited for");
  pass("2", "applied");
  assert.deepEqual([sample("count"), sample("sum")], [1, 0.25]);
  pass("3", "failed");
  assert.equal(sample("count"), 1);
  pass("3", "removed", { recorded: "3" });
  assert.deepEqual(
    [sample("count"), sample("sum")],
    [2, 0.5],
    "the failure was recorded, not the proof",
  );
  pass("3", "removed", { recorded: "3" });
  assert.equal(sample("count"), 2);
});
