/** One line of the bench. */
export interface Result {
  name: string;
  value: number;
  unit: string;
  /** What it is compared with, measured in the same run; null where a bar is absolute. */
  reference: number | null;
  /** value / reference */
  ratio: number | null;
  /** Printed, never asserted: machines differ. Null for what is only told. */
  bar: string | null;
  holds: boolean | null;
}

/** What the ratio has to be, at least or at most. */
export interface Bar {
  least?: number;
  most?: number;
}

export function compare(
  measured: { name: string; unit: string; value: number; reference: number; bar?: Bar },
): Result {
  const { name, unit, value, reference, bar } = measured;
  const ratio = value / reference;
  return {
    name,
    value: round(value),
    unit,
    reference: round(reference),
    ratio: round(ratio),
    bar: bar ? barText(bar) : null,
    holds: bar ? ratio >= (bar.least ?? -Infinity) && ratio <= (bar.most ?? Infinity) : null,
  };
}

/** What has a bar of its own, and nothing to be compared with. */
export function absolute(
  measured: { name: string; unit: string; value: number; most: number },
): Result {
  const { name, unit, value, most } = measured;
  return {
    name,
    value: round(value),
    unit,
    reference: null,
    ratio: null,
    bar: `at most ${most}`,
    holds: value <= most,
  };
}

function barText({ least, most }: Bar): string {
  if (least !== undefined && most !== undefined) return `ratio from ${least} to ${most}`;
  return least === undefined ? `ratio at most ${most}` : `ratio at least ${least}`;
}

/** Three digits are as many as a measurement has. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const high = sorted[Math.floor(middle)];
  const low = sorted[Math.ceil(middle) - 1];
  if (high === undefined || low === undefined) throw new RangeError("no values");
  return (low + high) / 2;
}

/** The nearest-rank percentile. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(sorted.length * percent / 100) - 1)];
  if (found === undefined) throw new RangeError("no values");
  return found;
}

/** How often a second \`work\` is done with so many in flight. */
export async function perSecond(
  work: () => Promise<unknown>,
  { inFlight, ms }: { inFlight: number; ms: number },
): Promise<number> {
  let done = 0;
  const start = performance.now();
  const end = start + ms;
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (performance.now() < end) {
      await work();
      done++;
    }
  }));
  return done / ((performance.now() - start) / 1000);
}

/** Medians of rates measured in turns (A B C A B C ...), so that a busy moment of the machine meets all alike. */
export async function alternate<K extends string>(
  works: Record<K, () => Promise<unknown>>,
  { rounds, inFlight, ms }: { rounds: number; inFlight: number; ms: number },
): Promise<Record<K, number>> {
  const names = Object.keys(works).filter((name): name is K => name in works);
  const rates = new Map<K, number[]>(names.map((name) => [name, []]));
  // The first round warms up, and is thrown away.
  for (let round = 0; round <= rounds; round++) {
    for (const name of names) {
      const rate = await perSecond(works[name], { inFlight, ms });
      if (round > 0) rates.get(name)?.push(rate);
    }
  }
  const result: Partial<Record<K, number>> = {};
  for (const [name, values] of rates) result[name] = median(values);
  if (!isComplete(result, names)) throw new Error("unreachable");
  return result;
}

function isComplete<K extends string>(
  part: Partial<Record<K, number>>,
  names: readonly K[],
): part is Record<K, number> {
  return names.every((name) => part[name] !== undefined);
}

/** Resident memory of a process. */
export async function residentMb(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (!kilobytes) throw new Error("the process is gone");
  return Number(kilobytes) / 1024;
}
