import { createSealer, deriveSubkey, type KeyPurpose, type Sealer, SealError } from "./seal.ts";
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

/** A {@link Sealer} over several keys, whose values name theirs themselves. */
export interface NamingSealer extends Sealer {
  /** The key that seals. */
  readonly keyId: string;
  has(keyId: string): boolean;
}

/** What is said of a value that was sealed before values named their key. */
export const unnamedKey = "unnamed";

const named = 2;
const idLength = 8;

/**
 * Layout: version 2 (1 byte) | key id (8) | nonce (12) | ciphertext | tag (16). The id is part of what is bound. A
 * value of version 1 names no key, and is tried with each.
 *
 * @param subkeys of one purpose, 32 bytes each; the first one seals
 */
export async function createNamingSealer(
  subkeys: readonly [Master, ...Master[]],
): Promise<NamingSealer> {
  const sealers = new Map<string, Sealer>();
  for (const subkey of subkeys) sealers.set(await keyIdOf(subkey), await createSealer(subkey));
  const keyId = await keyIdOf(subkeys[0]);
  const newest = await createSealer(subkeys[0]);
  return {
    keyId,
    has: (id) => sealers.has(id),
    async seal(value, row) {
      const plain = await newest.seal(value, `${keyId}/${row}`);
      const sealed = new Uint8Array(idLength + plain.length);
      sealed[0] = named;
      sealed.set(Uint8Array.fromHex(keyId), 1);
      sealed.set(plain.subarray(1), 1 + idLength);
      return sealed;
    },
    async open(sealed, row) {
      if (sealed[0] !== named) return await openUnnamed([...sealers.values()], sealed, row);
      const id = sealed.slice(1, 1 + idLength).toHex();
      const sealer = sealers.get(id);
      if (!sealer) throw new SealError(`the ring has no key ${id}`);
      const plain = new Uint8Array(sealed.length - idLength);
      plain[0] = 1;
      plain.set(sealed.subarray(1 + idLength), 1);
      return await sealer.open(plain, `${id}/${row}`);
    },
  };
}

/** The name of the key that a {@link NamingSealer} sealed a value with. */
export function sealedUnder(sealed: Uint8Array): string {
  return sealed[0] === named ? sealed.slice(1, 1 + idLength).toHex() : unnamedKey;
}

async function openUnnamed(sealers: Sealer[], sealed: Uint8Array, row: string) {
  let refused = new SealError("the ring has no key");
  for (const sealer of sealers) {
    try {
      return await sealer.open(sealed, row);
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      refused = error;
    }
  }
  throw refused;
}
