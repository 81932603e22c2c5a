import { errorFields, type Logger } from "../../lib/log.ts";
import { ProcessError } from "../../lib/process.ts";
import { acceptedBy } from "./acceptance.ts";
import { type DesiredPeer, isWanted, peerKeys, type RetiredKey } from "../desired.ts";
import type { GatewayKey } from "../gateway/key.ts";
import type { Ensured, OpeningsFor, Survey, TunnelInterface } from "../interface/mod.ts";
import type { Meters } from "../seen/meters.ts";
import type { ObservedInterface } from "../observed.ts";
import { isSettled } from "./proof.ts";
import { type Command, keysOf, plan, removalsOnly } from "../plan.ts";

/** What the interface is to be brought to. */
export interface Work {
  /** Looks at the interface itself as well, and at every peer before anything is written. */
  readonly full: boolean;
  /** Begun by {@link Converger.survey} before the rows were read, and whether they could be read. */
  readonly survey?: { readonly begun: Promise<Survey>; readonly isCurrent: boolean } | undefined;
  readonly peers: readonly DesiredPeer[];
  readonly retired: readonly RetiredKey[];
  /** Keys whose presence decides over an answer, though no row or tombstone of this work names them. */
  readonly alsoLookAt: readonly string[];
  /** Of what was found on the interface, the keys that were added by hand. */
  foreign(found: ObservedInterface): readonly string[];
  hasRow(publicKey: string): boolean;
  /** True when these settings of the interface are known to be those of the rows. */
  isSettled(settings: object): boolean;
  /** What tenants' peers may reach with the interface as it is. */
  openings: OpeningsFor;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
}

export interface Convergence {
  /** As found, before any peer was written. */
  readonly before: ObservedInterface;
  /** As read back after the last command, or as accepted by it where a small pass only added or changed; in a pass over a few peers, those and no others. */
  readonly after: ObservedInterface;
  /** When the last read-back began, or the last command was accepted, by the monotonic clock. */
  readonly lookedAt: number;
  readonly foreign: readonly string[];
  /** By public key: why a command for it failed, in plain words. */
  readonly failures: ReadonlyMap<string, string>;
  /** Null where only peers were looked at. */
  readonly ensured: Ensured | null;
  /** Tenants whose rules nft refused; null where the rules are not those of `after`. */
  readonly refused: ReadonlySet<number> | null;
}

export interface Converger {
  /** Begins to look at the interface for a full pass, while its rows are being read. */
  survey(): Promise<Survey>;
  /**
   * Brings the interface to the work's rows and reads it back.
   * @throws when the interface cannot be read back, so that nothing is known of it
   */
  converge(work: Work): Promise<Convergence>;
}

/** True when an answer will say of some key that it is gone: only a read-back can (T3), whatever was written. */
function asksWhetherGone({ peers, retired, alsoLookAt, now }: Work): boolean {
  return retired.length + alsoLookAt.length > 0 || peers.some((peer) => !isWanted(peer, now));
}

/** The same of a full pass, where nobody asks about those that are told gone already. */
function waitsToBeGone({ peers, retired, now }: Work): boolean {
  return retired.length > 0 ||
    peers.some((peer) => !isWanted(peer, now) && !isSettled(peer, now));
}

/** The survey; one that is not used has ended all the same before anything is written beside it. */
async function surveyFor({ survey }: Work): Promise<Survey | undefined> {
  // What failed is tried once more, where it is said why.
  const ended = await survey?.begun.catch(() => undefined);
  return survey?.isCurrent ? ended : undefined;
}

/** Above so many peers, reading all of a dump is cheaper than finding each of them. */
const fewPeers = 64;
const unguarded = "the firewall rules are not in place, so nobody is let in";

export function createConverger(
  { tunnel, key, meters, log }: {
    tunnel: TunnelInterface;
    key: GatewayKey;
    meters: Meters;
    log: Logger;
  },
): Converger {
  /** The last read-back. Only this process writes, so it saves a dump before each small change. */
  let last: ObservedInterface | undefined;
  let guarded = false;

  return {
    survey() {
      const survey = tunnel.survey();
      // Whether it failed is seen where it is used; it may not be.
      survey.catch(() => {});
      return survey;
    },
    async converge(work) {
      if (work.full || !last) return await attempt(work, true);
      try {
        return await attempt(work, false);
      } catch (error) {
        if (error instanceof ProcessError && error.failure === "timeout") throw error;
        // The interface itself may be gone.
        return await attempt(work, true);
      }
    },
  };

  async function attempt(work: Work, full: boolean): Promise<Convergence> {
    const known = last;
    last = undefined;
    let lookedAt = performance.now();
    const survey = await surveyFor(work);
    const ensured = full || !known ? await tunnel.ensure(key, work.openings, survey) : null;
    if (ensured) guarded = ensured.guarded;
    const before = ensured?.observed ?? known;
    if (!before) throw new TypeError("a pass without a look at the interface");
    // Who leaves is taken out of the rules before the interface is written, and who enters is put in afterwards:
    // never does a rule hold for an address that is another's.
    const closed = await open(work, before);
    if (ensured && work.isSettled(before.settings)) {
      last = before;
      const nothing = { foreign: [], failures: new Map() };
      return { before, after: before, lookedAt, ...nothing, ensured, refused: closed };
    }
    // A key is told gone only by a look that began after its row was read (T3).
    const isEarly = survey?.observed !== undefined && waitsToBeGone(work);
    const foreign = work.foreign(before);
    const failures = new Map<string, string>();
    let after = before;
    // What was remembered may have been changed by hand; the read-back shows it, and a second try repairs it.
    for (let round = 0; round < 2; round++) {
      const commands = plan({
        ...work,
        foreign: round === 0 ? foreign : [],
        observed: after.peers,
      });
      if (round > 0 && commands.length === 0) break;
      const applying = apply(commands, { failures, letsIn: guarded && closed !== null });
      // While `wg` is busy with the first of them: of ten thousand peers, this takes as long as reading them.
      const expected = acceptedBy(commands, after);
      await applying;
      const accepted = work.full || failures.size > 0 || asksWhetherGone(work)
        ? undefined
        : expected;
      if (accepted || commands.length > 0 || !ensured || isEarly) {
        lookedAt = performance.now();
        after = accepted ?? await lookAgain(work, { before: after, expected });
      }
      if ((ensured && !isEarly) || accepted || failures.size > 0) break;
    }
    last = after;
    const refused = await open(work, after);
    return { before, after, lookedAt, foreign, failures, ensured, refused };
  }

  /** @returns the tenants whose rules nft refused; null when the rules could not be changed */
  async function open(
    work: Work,
    observed: ObservedInterface,
  ): Promise<ReadonlySet<number> | null> {
    if (!guarded) return null;
    try {
      return await tunnel.open(work.openings, observed);
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      log.error("the rules cannot be changed", errorFields(error));
      return null;
    }
  }

  async function lookAgain(
    work: Work,
    { before, expected }: { before: ObservedInterface; expected: ObservedInterface | undefined },
  ): Promise<ObservedInterface> {
    const { peers, retired, alsoLookAt } = work;
    if (work.full || peers.length + retired.length + alsoLookAt.length > fewPeers) {
      return await tunnel.observe(expected && { expected });
    }
    const publicKeys = [
      ...peers.flatMap(peerKeys),
      ...retired.map(({ publicKey }) => publicKey),
      ...alsoLookAt,
    ];
    return await tunnel.observe({ publicKeys, before });
  }

  async function applyOne(command: Command): Promise<void> {
    const started = performance.now();
    try {
      await tunnel.apply(command);
    } finally {
      meters.batchSize.observe({}, keysOf(command).length);
      meters.apply.observe({}, (performance.now() - started) / 1000);
    }
  }

  async function apply(
    commands: readonly Command[],
    { failures, letsIn }: { failures: Map<string, string>; letsIn: boolean },
  ): Promise<void> {
    let hanging: string | undefined;
    const applyAllowed = async (command: Command) => {
      const allowed = letsIn ? command : removalsOnly(command);
      if (allowed !== command) { for (const key of keysOf(command)) failures.set(key, unguarded); }
      if (!allowed) return;
      let failure = hanging;
      try {
        if (failure === undefined) await applyOne(allowed);
      } catch (error) {
        if (!(error instanceof ProcessError)) throw error;
        log.error("wg refused a change", { peers: keysOf(allowed).length, ...errorFields(error) });
        failure = error.summary;
        // Every further call would have to be waited for as long.
        if (error.failure === "timeout") hanging = failure;
      }
      if (failure !== undefined) { for (const key of keysOf(allowed)) failures.set(key, failure); }
    };
    for (const wave of waves(commands)) {
      const next = wave.values();
      const work = async () => {
        for (const command of next) await applyAllowed(command);
      };
      await Promise.all([work(), work()]);
    }
  }
}

/**
 * Commands in their order, where it counts: those that follow one another and only add may overlap, so that the
 * interface need not wait for `wg` to read the next thousand.
 */
function waves(commands: readonly Command[]): Command[][] {
  const made: Command[][] = [];
  for (const command of commands) {
    const last = made.at(-1);
    if (last?.[0]?.kind === "addconf" && command.kind === "addconf") last.push(command);
    else made.push([command]);
  }
  return made;
}
