/**
 * Understands a text of the database once: what it means never changes. Which text is somebody's is asked anew with
 * every request (A1).
 * @param most how many meanings are kept; beyond, all are forgotten
 * @returns meanings that many requests share, and nobody may change
 */
export function understandOnce<Meaning>(
  understand: (text: string) => Meaning,
  most: number,
): (text: string) => Meaning {
  const meanings = new Map<string, Meaning>();
  return (text) => {
    const known = meanings.get(text);
    if (known !== undefined) return known;
    const meaning = understand(text);
    if (meanings.size >= most) meanings.clear();
    meanings.set(text, meaning);
    return meaning;
  };
}
