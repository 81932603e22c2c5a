/**
 * So many random characters of an alphabet, each as likely as any other.
 * @param alphabet of at most 256 characters
 */
export function randomText(alphabet: string, length: number): string {
  // Bytes beyond the last whole multiple would favour the first characters.
  const fair = 256 - 256 % alphabet.length;
  let text = "";
  while (text.length < length) {
    for (const byte of crypto.getRandomValues(new Uint8Array(length))) {
      if (byte < fair && text.length < length) text += alphabet[byte % alphabet.length];
    }
  }
  return text;
}
