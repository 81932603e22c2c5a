/** With more changes than these, a copy is made: asking twice for each entry would cost more. */
const mostChanges = 256;

/**
 * A map with some entries changed, made at the cost of the changes alone: a copy of ten thousand peers for one that
 * was added takes longer than adding it, and as long again to be collected.
 *
 * @param changes by key; undefined for one that is gone
 */
export function overlaid<V extends object>(
  before: ReadonlyMap<string, V>,
  changes: ReadonlyMap<string, V | undefined>,
): ReadonlyMap<string, V> {
  const made = before instanceof Overlay ? before.with(changes) : new Overlay(before, changes);
  return made.changes > mostChanges ? new Map(made) : made;
}

class Overlay<V extends object> implements ReadonlyMap<string, V> {
  readonly size: number;
  readonly #base: ReadonlyMap<string, V>;
  readonly #changes: ReadonlyMap<string, V | undefined>;

  constructor(base: ReadonlyMap<string, V>, changes: ReadonlyMap<string, V | undefined>) {
    this.#base = base;
    this.#changes = changes;
    let size = base.size;
    for (const [key, value] of changes) size += Number(value !== undefined) - Number(base.has(key));
    this.size = size;
  }

  get changes(): number {
    return this.#changes.size;
  }

  with(changes: ReadonlyMap<string, V | undefined>): Overlay<V> {
    return new Overlay(this.#base, new Map([...this.#changes, ...changes]));
  }

  get(key: string): V | undefined {
    return this.#changes.has(key) ? this.#changes.get(key) : this.#base.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  *entries(): Generator<[string, V], undefined, unknown> {
    for (const [key, value] of this.#base) if (!this.#changes.has(key)) yield [key, value];
    for (const [key, value] of this.#changes) if (value !== undefined) yield [key, value];
  }

  *keys(): Generator<string, undefined, unknown> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): Generator<V, undefined, unknown> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}
