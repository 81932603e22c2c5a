import { Secret } from "../../lib/secret.ts";
import { randomText } from "./random_text.ts";

/** Letters and digits that are not mistaken for one another when read aloud or copied from a screen. */
const alphabet = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/** A random password: 24 of 55 characters, more than 138 bits. */
export function generatePassword(): Secret<string> {
  return new Secret(randomText(alphabet, 24));
}
