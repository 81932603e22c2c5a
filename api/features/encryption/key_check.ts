import { unnamedKey } from "../../../lib/seal_ring.ts";
import type { SealedKind } from "../../database/lookups.ts";
import type { Deps } from "../../deps.ts";

type Rings = Pick<Deps, "presharedKeys" | "letters" | "mfa">;

/** The keys that open values of each kind. */
export function ringsOf({ presharedKeys, letters, mfa }: Rings) {
  return {
    preshared_key: presharedKeys,
    mail: letters,
    second_factor: mfa.secrets,
    // Known by an HMAC and never opened, but the keys are those of the secrets.
    recovery_code: mfa.secrets,
  } satisfies Record<SealedKind, { keyId: string; has(keyId: string): boolean }>;
}

const consequences: Record<SealedKind, { message: string; remedy: string }> = {
  preshared_key: {
    message: "preshared keys are sealed under a key that is not there",
    remedy: "put the key back into ENCRYPTION_KEYS_OLD, or rotate these peers",
  },
  mail: {
    message: "mails that wait are sealed under a key that is not there",
    remedy: "put the key back into ENCRYPTION_KEYS_OLD; otherwise they are given up",
  },
  second_factor: {
    message: "second factors are sealed under a key that is not there",
    remedy: "put the key back into MFA_KEYS_OLD or ENCRYPTION_KEYS_OLD, or reset these factors",
  },
  recovery_code: {
    message: "recovery codes are known by a key that is not there, and open nothing",
    remedy: "put the key back, or have their users make new ones",
  },
};

/**
 * Says at the start which keys are missing that something is sealed under. The API starts nevertheless: what does not
 * open lets nobody in, and those who have to put it right can work.
 */
export async function checkSealingKeys(
  { lookups, log, ...rings }: Pick<Deps, "lookups" | "log"> & Rings,
): Promise<void> {
  const of = ringsOf(rings);
  for (const { kind, keyId, count } of await lookups.sealed()) {
    // Of an unnamed one only trying tells.
    if (keyId === unnamedKey || of[kind].has(keyId)) continue;
    const { message, remedy } = consequences[kind];
    const level = kind === "recovery_code" ? "warn" : "critical";
    log[level](message, { key_id: keyId, count, remedy });
  }
}
