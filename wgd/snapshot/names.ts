/** Public keys that a snapshot names. */
export interface Names {
  /** Those that it would put on the interface. */
  readonly live: Set<string>;
  /** All of them. */
  readonly known: Set<string>;
}

const none = (): Names => ({ live: new Set(), known: new Set() });

/**
 * What the file on the disk names. As long as another one is being written, or was written in part, one or the
 * other may be on the disk: a removal has to be noted where either names the key, and an addition where either does
 * not.
 */
export class NamesOnDisk {
  #present = none();
  #coming: Names & { isOutdated: boolean } | undefined;

  /** True as long as the disk may have another file than the present one. */
  get isChanging(): boolean {
    return this.#coming !== undefined;
  }

  /** There is this file now, and no other. */
  replace(names: Names = none()): void {
    this.#present = names;
    this.#coming = undefined;
  }

  /** Another file is being written. */
  begin(names: Names): void {
    this.#coming = { ...names, isOutdated: false };
  }

  /** It was written. @returns whether peers came meanwhile that it does not name */
  ended(): { isOutdated: boolean } {
    const isOutdated = this.#coming?.isOutdated === true;
    this.replace(this.#coming);
    return { isOutdated };
  }

  /** It was not written: the file before is the one that stands. */
  cancel(): void {
    this.#coming = undefined;
  }

  /** These are put on the interface. @returns whether the present file names them all */
  added(publicKeys: Iterable<string>): boolean {
    let areKnown = true;
    for (const publicKey of publicKeys) {
      if (this.#coming && !this.#coming.known.has(publicKey)) this.#coming.isOutdated = true;
      areKnown &&= this.#present.known.has(publicKey);
    }
    return areKnown;
  }

  has(what: keyof Names, publicKey: string): boolean {
    return this.#present[what].has(publicKey) || this.#coming?.[what].has(publicKey) === true;
  }

  strike(publicKeys: Iterable<string>): void {
    for (const publicKey of publicKeys) {
      for (const names of [this.#present, this.#coming]) {
        names?.live.delete(publicKey);
        names?.known.delete(publicKey);
      }
    }
  }
}
