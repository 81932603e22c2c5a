import { createHmac } from "../../lib/hmac.ts";
import { deriveSubkey } from "../../lib/seal.ts";
import { keyIdOf } from "../../lib/seal_ring.ts";
import type { Secret } from "../../lib/secret.ts";
import { randomText } from "./random_text.ts";

/** How many a user is given. */
const recoveryCodeCount = 10;

/** Crockford's base 32: no I, L, O or U, which are taken for 1, 1, 0 and V. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** Eight characters, 40 bits, in two halves: `7Q2M-XK4D`. Enough for three tries a minute, and for nothing faster. */
function newCode(): string {
  const text = randomText(alphabet, 8);
  return `${text.slice(0, 4)}-${text.slice(4)}`;
}

/** One set of codes, all different, as they are shown once. */
export function newRecoveryCodes(): string[] {
  const codes = new Set<string>();
  while (codes.size < recoveryCodeCount) codes.add(newCode());
  return [...codes];
}

/** A code as it was meant, whatever case, hyphen or look-alike was typed; undefined for what can be none. */
export function readRecoveryCode(typed: string): string | undefined {
  const text = typed.toUpperCase().replaceAll(/[\s-]/g, "").replaceAll("O", "0")
    .replaceAll(/[IL]/g, "1");
  return /^[0-9A-HJKMNP-TV-Z]{8}$/.test(text) ? text : undefined;
}

export interface RecoveryDigest {
  keyId: string;
  digest: Uint8Array;
}

/** What the database knows recovery codes by: HMAC-SHA-256 under keys that it does not have. */
export interface RecoveryDigests {
  readonly keyId: string;
  /** Under the newest key. @param code as `readRecoveryCode` gives it */
  digest(code: string, owner: CodeOwner): Promise<RecoveryDigest>;
  /** Under each key of the ring, because a digest cannot be made anew when the key changes. */
  candidates(code: string, owner: CodeOwner): Promise<RecoveryDigest[]>;
}

/** Part of what is digested, so that a digest is worth nothing in another user's row. */
interface CodeOwner {
  tenantId: number;
  userId: number;
}

type Master = Secret<Uint8Array<ArrayBuffer>>;

/** @param masters of 32 bytes each; the first one makes new digests */
export async function createRecoveryDigests(
  masters: readonly [Master, ...Master[]],
): Promise<RecoveryDigests> {
  const load = async (master: Master) => {
    const hmac = await createHmac(await deriveSubkey(master, "mfa-recovery-code"));
    const keyId = await keyIdOf(master);
    return async (code: string, { tenantId, userId }: CodeOwner) => ({
      keyId,
      digest: await hmac(`${tenantId}/${userId}/${code}`),
    });
  };
  const newest = await load(masters[0]);
  const all = await Promise.all(masters.map(load));
  return {
    keyId: await keyIdOf(masters[0]),
    digest: newest,
    candidates: (code, owner) => Promise.all(all.map((digest) => digest(code, owner))),
  };
}
