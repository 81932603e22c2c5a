import { domainToASCII } from "node:url";

/**
 * The one form of an e-mail address: NFC and lower case, its domain in ASCII (UTS 46), so that every spelling of a
 * domain is the same user and a mail server can be found for it. The local part stays as it is otherwise: what is the same mailbox is
 * its own server's to say.
 * @returns undefined for what is no address
 */
export function normalisedEmail(text: string): string | undefined {
  const [local = "", domain = "", ...more] = text.trim().normalize("NFC").split("@");
  // Whatever else a host may be written with, such as a slash or a port, would be cut off or decoded.
  if (more.length > 0 || !/^[\p{L}\p{M}\p{N}._-]{1,189}$/u.test(domain)) return undefined;
  const host = domainToASCII(domain);
  // Some letters stand for several, such as ⑴, and brackets are none of a host's.
  if (!/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(host)) return undefined;
  const email = `${local.toLowerCase().normalize("NFC")}@${host}`;
  return isEmail(email) ? email : undefined;
}

/**
 * Whether an address stands for itself alone, to a mail library, which takes a comma for a second recipient and brackets
 * for the recipient proper, and to the eye, which sees no zero-width letter and reads on past a mark of direction.
 */
export function isEmail(text: string): boolean {
  return text.isWellFormed() &&
    /^[^\s"(),:;<>@[\\\]\p{C}\p{DI}]{1,64}@[^\s"(),:;<>@[\\\]\p{C}\p{DI}]{1,189}$/u.test(text);
}
