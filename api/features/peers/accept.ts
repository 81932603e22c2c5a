import { parseAccept } from "hono/utils/accept";

/**
 * The one of some media types that the header asks for most: by weight, then by how exactly it is named, then in the
 * order given. Undefined where it takes none.
 */
export function preferred<T extends string>(
  header: string | undefined,
  types: readonly T[],
): T | undefined {
  const named = parseAccept((header ?? "*/*").toLowerCase());
  const [best] = types.flatMap((type) => {
    const patterns = [type, `${type.split("/")[0]}/*`, "*/*"];
    const exactness = patterns.findIndex((pattern) =>
      named.some((entry) => entry.type === pattern)
    );
    const weight = named.find((entry) => entry.type === patterns[exactness])?.q ?? 0;
    return weight > 0 ? [{ type, exactness, weight }] : [];
  }).sort((a, b) => b.weight - a.weight || a.exactness - b.exactness);
  return best?.type;
}
