import { type SteadyClock, systemClock } from "../../lib/clock.ts";
import { type DesiredPeer, isWanted } from "../desired.ts";
import type { InterfaceDrift } from "../interface/repair.ts";
import { Meters } from "./meters.ts";
import type { ObservedInterface } from "../observed.ts";
import type { Difference } from "../plan.ts";
import type { Verdict } from "./verdict.ts";

export type DriftKind = Difference | InterfaceDrift;

/** What was once found otherwise than a peer's row, and put right. */
export interface Repair {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly kinds: readonly Difference[];
}

/** Somebody who asks why a tunnel broke asks soon; the audit log has all of them. */
const repairsRemembered = 1_000;

/** What the passes have seen so far: the material of status and metrics. */
export class Seen {
  /** The last read-back; undefined when the last attempt to work on the interface failed. */
  observed: ObservedInterface | undefined;
  /** By peer id. */
  readonly verdicts = new Map<string, Verdict>();
  /** Differences found by the last full pass. */
  drift = 0;
  lastReadBackAt: number | null = null;
  lastReconcileAt: number | null = null;
  lastError: string | null = null;
  /** Keys for which the last full pass could do nothing. */
  failures = 0;
  /** All that was read stands in the snapshot. */
  snapshotIsCurrent = false;
  readonly meters = new Meters();
  readonly #clock: SteadyClock;
  #highestTime = 0;
  /** When that was, by the monotonic clock. */
  #highestAt = 0;
  #unexplained = new Set<string>();
  /** By peer id: the last drift that was put right. */
  readonly #repairs = new Map<string, Repair>();

  constructor(clock: SteadyClock = systemClock) {
    this.#clock = clock;
  }

  get unexplained(): number {
    return this.#unexplained.size;
  }

  /**
   * What counts as now: the highest time seen, and what went by since. A clock that is set back revives nothing,
   * and lets nothing live longer (docs/decisions/0096-a-clock-set-back.md).
   */
  now(): number {
    const monotonic = this.#clock.monotonic();
    const steady = this.#highestTime + monotonic - this.#highestAt;
    this.#highestTime = Math.max(this.#clock.now(), steady);
    this.#highestAt = monotonic;
    return Math.floor(this.#highestTime);
  }

  /** Takes over a time that was seen before this process began. */
  wasAt(time: number): void {
    if (time > this.now()) this.#highestTime = time;
  }

  /** How far the clock is behind what counts as now, in milliseconds. */
  get clockBehind(): number {
    return Math.max(0, this.now() - this.#clock.now());
  }

  /** There is something to be tried again, which need not be tried at once. */
  get isFailing(): boolean {
    return this.lastError !== null || this.failures > 0;
  }

  countDrift(kind: DriftKind): void {
    this.drift++;
    this.meters.drift.inc({ kind });
  }

  repaired(peerId: string, kinds: readonly Difference[]): void {
    this.#repairs.delete(peerId);
    this.#repairs.set(peerId, { at: this.now(), kinds });
    for (const oldest of this.#repairs.keys()) {
      if (this.#repairs.size <= repairsRemembered) break;
      this.#repairs.delete(oldest);
    }
  }

  repairOf(peerId: string): Repair | undefined {
    return this.#repairs.get(peerId);
  }

  readBack(observed: ObservedInterface, at: number): void {
    this.observed = observed;
    this.lastReadBackAt = at;
  }

  passDone({ scope, seconds, at }: { scope: "all" | "some"; seconds: number; at: number }): void {
    this.meters.passes.observe({ scope }, seconds);
    this.lastReconcileAt = at;
  }

  /** Takes over which keys are unexplained; answers those that were not before. */
  unexplainedAnew(publicKeys: readonly string[]): string[] {
    const before = this.#unexplained;
    this.#unexplained = new Set(publicKeys);
    return publicKeys.filter((key) => !before.has(key));
  }

  counts(peers: Iterable<DesiredPeer>, now: number) {
    const counts = { desired: 0, applied: 0, held: 0, failed: 0 };
    for (const peer of peers) {
      if (isWanted(peer, now)) counts.desired++;
      const state = this.verdicts.get(peer.id)?.state;
      if (state === "applied" || state === "held" || state === "failed") counts[state]++;
    }
    return { ...counts, drift: this.drift, unexplained: this.unexplained };
  }
}
