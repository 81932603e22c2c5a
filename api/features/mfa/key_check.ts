import type { Deps } from "../../deps.ts";
import { ApiError } from "../../errors.ts";
import { SealError } from "../../../lib/seal.ts";
import type { Sealed, SealRing } from "../../../lib/seal_ring.ts";

/**
 * Says at the start which keys are missing that second factors are sealed under. The API starts nevertheless: whoever
 * has such a factor does not get in, and the others, who may have to reset it, do.
 */
export async function checkFactorKeys(
  { lookups, mfa, log }: Pick<Deps, "lookups" | "mfa" | "log">,
): Promise<void> {
  for (const { keyId, factors } of await lookups.factorKeys()) {
    if (mfa.secrets.has(keyId)) continue;
    log.critical("second factors are sealed under a key that is not there", {
      key_id: keyId,
      factors,
      remedy: "put the key back into MFA_KEYS_OLD, or reset these factors",
    });
  }
}

/** @throws {ApiError} `factor_unreadable` where the key is missing or is not the row's */
export async function openFactor(ring: SealRing, sealed: Sealed, row: string) {
  try {
    return await ring.open(sealed, row);
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause;
    throw new ApiError("factor_unreadable", { cause, retryAfter: 60 });
  }
}
