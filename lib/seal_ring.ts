import { createSealer, deriveSubkey, type KeyPurpose, SealError } from "./seal.ts";
import type { Secret } from "./secret.ts";

/** A sealed value and the name of the key that it takes to open it. */
export interface Sealed {
  keyId: string;
  sealed: Uint8Array;
}

/** Sealing under the first of several keys, and opening under any of them: what a rotation needs. */
export interface SealRing {
  /** The key that seals. */
  readonly keyId: string;
  /** Whether it could open what this key sealed. */
  has(keyId: string): boolean;
  /** @param row what the value belongs to; the key's name is bound to it as well */
  seal(
    value: Uint8Array<ArrayBuffer>,
    row: string,
  ): Promise<Sealed & { sealed: Uint8Array<ArrayBuffer> }>;
  /** @throws {SealError} where the key is not in the ring, or the value is not this row's */
  open(value: Sealed, row: string): Promise<Uint8Array<ArrayBuffer>>;
}

type Master = Secret<Uint8Array<ArrayBuffer>>;

/** Names a master key by 64 bits that are derived from it and tell nothing about it. */
export async function keyIdOf(master: Master): Promise<string> {
  return (await deriveSubkey(master, "key-id")).reveal().subarray(0, 8).toHex();
}

/** @param masters of 32 bytes each; the first one seals */
export async function createSealRing(
  masters: readonly [Master, ...Master[]],
  purpose: KeyPurpose,
): Promise<SealRing> {
  const entries = await Promise.all(
    masters.map(async (master) =>
      [await keyIdOf(master), await createSealer(await deriveSubkey(master, purpose))] as const
    ),
  );
  const sealers = new Map(entries);
  const keyId = await keyIdOf(masters[0]);
  const sealerOf = (id: string) => {
    const found = sealers.get(id);
    if (!found) throw new SealError(`the ring has no key ${id}`);
    return found;
  };
  const bound = (id: string, row: string) => `${id}/${row}`;
  return {
    keyId,
    has: (id) => sealers.has(id),
    seal: async (value, row) => ({
      keyId,
      sealed: await sealerOf(keyId).seal(value, bound(keyId, row)),
    }),
    open: async (value, row) =>
      await sealerOf(value.keyId).open(value.sealed, bound(value.keyId, row)),
  };
}
