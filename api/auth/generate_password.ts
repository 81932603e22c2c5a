import { Secret } from "../../lib/secret.ts";

/** Letters and digits that are not mistaken for one another when read aloud or copied from a screen. */
const alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** A random password: 24 of 55 characters, more than 138 bits. */
export function generatePassword(): Secret<string> {
  let text = "";
  while (text.length < 24) {
    for (const byte of crypto.getRandomValues(new Uint8Array(32))) {
      // Bytes beyond the last whole multiple are dropped, so that no character is likelier than another.
      if (byte < 256 - 256 % alphabet.length && text.length < 24) {
        text += alphabet[byte % alphabet.length];
      }
    }
  }
  return new Secret(text);
}
