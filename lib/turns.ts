/** Whose turn it is: a tenant, or null for what is nobody's. */
export type Party = number | null;

/**
 * Places that are held in turns: whoever holds least comes first, and among those who was served longest ago, however
 * many of one party wait. It knows who holds and who waits; the places themselves are its user's.
 */
export interface Turns<T> {
  readonly waiting: number;
  /** Whether a party holds less than it may. */
  mayHold(party: Party): boolean;
  hold(party: Party): void;
  release(party: Party): void;
  wait(party: Party, waiter: T): void;
  /** For one that waits no longer. */
  leave(party: Party, waiter: T): void;
  /** Takes out whose turn it is, and counts its party as holding; undefined where nobody waits that may hold one more. */
  next(): T | undefined;
  /**
   * Takes out the newest of whoever has most waiting, in favour of a party that would have fewer with one more;
   * undefined where there is none to give way.
   */
  displace(inFavourOf: Party): T | undefined;
}

interface Standing<T> {
  held: number;
  served: number;
  waiting: T[];
}

/**
 * @param most places that one tenant may hold while there are others; what is nobody's is not bounded
 * @param quietMs how long no other may have been there until one may have all; for ever unless told
 */
export function createTurns<T>(most: number, quietMs = Infinity): Turns<T> {
  const parties = new Map<Party, Standing<T>>();
  let latest = { party: null as Party, at: -Infinity };
  let before = latest;
  let waiting = 0;
  let served = 0;

  function standingOf(party: Party): Standing<T> {
    const known = parties.get(party);
    if (known) return known;
    const made = { held: 0, served: 0, waiting: [] };
    parties.set(party, made);
    return made;
  }

  function forget(party: Party, standing: Standing<T>): void {
    if (standing.held === 0 && standing.waiting.length === 0) parties.delete(party);
  }

  const fits = (party: Party, held: number) => party === null || held < most || isAlone(party);

  function isAlone(party: Party): boolean {
    const other = latest.party === party ? before : latest;
    if (performance.now() - other.at <= quietMs) return false;
    return parties.keys().every((each) => each === null || each === party);
  }

  function note(party: Party): void {
    if (party === null) return;
    if (latest.party !== party) before = latest;
    latest = { party, at: performance.now() };
  }

  function hold(party: Party): void {
    note(party);
    const standing = standingOf(party);
    standing.held++;
    standing.served = ++served;
  }

  return {
    get waiting() {
      return waiting;
    },
    mayHold: (party) => fits(party, parties.get(party)?.held ?? 0),
    hold,
    release(party) {
      note(party);
      const standing = standingOf(party);
      standing.held--;
      forget(party, standing);
    },
    wait(party, waiter) {
      standingOf(party).waiting.push(waiter);
      waiting++;
    },
    leave(party, waiter) {
      const standing = standingOf(party);
      const place = standing.waiting.indexOf(waiter);
      if (place < 0) return;
      standing.waiting.splice(place, 1);
      waiting--;
      forget(party, standing);
    },
    next() {
      let first: [Party, Standing<T>] | undefined;
      for (const [party, standing] of parties) {
        if (standing.waiting.length === 0 || !fits(party, standing.held)) continue;
        const before = first?.[1];
        if (
          !before || standing.held < before.held ||
          (standing.held === before.held && standing.served < before.served)
        ) first = [party, standing];
      }
      if (!first) return undefined;
      waiting--;
      hold(first[0]);
      return first[1].waiting.shift();
    },
    displace(inFavourOf) {
      const [party, longest] = [...parties].reduce<[Party, Standing<T> | undefined]>(
        (most, each) => each[1].waiting.length > (most[1]?.waiting.length ?? 0) ? each : most,
        [null, undefined],
      );
      const own = parties.get(inFavourOf)?.waiting.length ?? 0;
      if (!longest || longest.waiting.length <= own + 1) return undefined;
      const displaced = longest.waiting.pop();
      waiting--;
      forget(party, longest);
      return displaced;
    },
  };
}
