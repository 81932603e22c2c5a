import { totpCode } from "../../api/auth/totp.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code that an app shows at a moment for the secret that `POST /mfa/setup` answered. */
export function codeAt(secret: string, at: number): string {
  const bits = [...secret].map((char) => alphabet.indexOf(char).toString(2).padStart(5, "0"))
    .join("");
  const bytes = (bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2));
  return totpCode(new Uint8Array(bytes), at);
}
