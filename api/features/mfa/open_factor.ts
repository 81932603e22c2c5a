import { ApiError } from "../../errors.ts";
import { SealError } from "../../../lib/seal.ts";
import type { Sealed, SealRing } from "../../../lib/seal_ring.ts";

/** @throws {ApiError} `factor_unreadable` where the key is missing or is not the row's */
export async function openFactor(ring: SealRing, sealed: Sealed, row: string) {
  try {
    return await ring.open(sealed, row);
  } catch (cause) {
    if (!(cause instanceof SealError)) throw cause;
    throw new ApiError("factor_unreadable", { cause, retryAfter: 60 });
  }
}
