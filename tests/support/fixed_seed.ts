import fc from "fast-check";

/**
 * Generated input is the same in every run, so that a failure is somebody's and not chance's. Imported by whoever
 * generates; `MASSACORP_FUZZ_SEED=$RANDOM deno test -A FILE` looks further.
 */
export const fuzzSeed = Number(Deno.env.get("MASSACORP_FUZZ_SEED") ?? 20261128);

fc.configureGlobal({ seed: fuzzSeed });
