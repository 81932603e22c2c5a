import type { Clock } from "../../lib/clock.ts";
import { createHmac } from "../../lib/hmac.ts";
import type { Secret } from "../../lib/secret.ts";

/** What a client is asked to do before its next attempt is looked at. */
export interface Demand {
  kind: "proof_of_work";
  /** To be sent back as `<challenge>:<nonce>`. */
  challenge: string;
  /** SHA-256 of `<challenge>:<nonce>` has to begin with so many zero bits. */
  bits: number;
}

/** Tells people, or at least patient machines, from floods; a CAPTCHA would be another one. */
export interface Challenge {
  /**
   * @param subject what is attempted, and how often it was before: a proof for another one is none
   * @param proof what the client sent
   * @returns what to ask of the client; undefined where the proof is good
   */
  demand(subject: string, proof: string | undefined): Promise<Demand | undefined>;
}

/** How long a challenge may be worked on. */
const lifetimeMs = 5 * 60_000;

/**
 * Proof of work without a memory: the challenge is an HMAC over its end and the subject, so that it is known again
 * when it comes back, good for this subject alone, and used up once the subject has changed.
 * @param subkey 32 bytes
 * @param bits each doubles the work
 */
export async function createProofOfWork(
  { subkey, bits, clock }: { subkey: Secret<Uint8Array<ArrayBuffer>>; bits: number; clock: Clock },
): Promise<Challenge> {
  const hmac = await createHmac(subkey);
  async function challengeFor(subject: string, end: number): Promise<string> {
    const mac = await hmac(`${end}\n${bits}\n${subject}`);
    return `${end}.${mac.toBase64({ alphabet: "base64url", omitPadding: true })}`;
  }
  async function isGood(subject: string, proof: string): Promise<boolean> {
    const [challenge = "", nonce] = proof.split(":");
    const end = Number(challenge.split(".")[0]);
    if (nonce === undefined || !Number.isSafeInteger(end) || end <= clock.now()) return false;
    if (challenge !== await challengeFor(subject, end)) return false;
    return await leadingZeroBits(`${challenge}:${nonce}`) >= bits;
  }
  return {
    async demand(subject, proof) {
      if (proof !== undefined && await isGood(subject, proof)) return undefined;
      const challenge = await challengeFor(subject, clock.now() + lifetimeMs);
      return { kind: "proof_of_work", challenge, bits };
    },
  };
}

/** Of its SHA-256. */
export async function leadingZeroBits(text: string): Promise<number> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  let zeros = 0;
  for (const byte of new Uint8Array(digest)) {
    if (byte !== 0) return zeros + Math.clz32(byte) - 24;
    zeros += 8;
  }
  return zeros;
}
