/** A table as `nft list table` prints it, taken apart as far as the daemon has to know it. */
export interface Listing {
  /** The text without any element: rules, chains, and how sets are made. */
  readonly structure: string;
  /** By name of the set or map. What the kernel itself adds to dynamic sets is left out. */
  readonly elements: ReadonlyMap<string, readonly string[]>;
  /** Names as they stand there. */
  readonly chains: readonly string[];
  readonly maps: readonly string[];
  /** Without the dynamic ones. */
  readonly sets: readonly string[];
}

const block = /^\t(set|map) (\S+) \{\n((?:\t\t.*\n)*)\t\}$/gm;
const elementsPart = /^\t\telements = \{([^}]*)\}\n/m;

/** Takes apart what `nft list table` prints: the structure, and apart from it what the sets hold. */
export function parseListing(text: string): Listing {
  const elements = new Map<string, string[]>();
  const maps: string[] = [];
  const sets: string[] = [];
  const structure = text.replace(block, (whole, kind: string, name: string, body: string) => {
    const isDynamic = /^\t\tflags [a-z,]*dynamic/m.test(body);
    if (kind === "map") maps.push(name);
    else if (!isDynamic) sets.push(name);
    if (!isDynamic) {
      const found = elementsPart.exec(body)?.[1] ?? "";
      elements.set(name, found.split(",").map((element) => element.trim()).filter(Boolean));
    }
    return whole.replace(elementsPart, "");
  });
  const chains = [...text.matchAll(/^\tchain (\S+) \{$/gm)].map(([, name = ""]) => name);
  return { structure, elements, chains, maps, sets };
}

const chainBlock = /^\tchain (\S+) \{\n((?:\t\t.*\n)*)\t\}$/gm;

/**
 * How many rules each chain has, of a listing or of a text for `nft -f` in its form: the least that both have
 * in common in every version of nft, which wraps a long rule with deeper tabs.
 */
export function countRules(text: string): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(chainBlock)].map(([, name = "", body = ""]) => [
      name,
      body.split("\n").filter((line) => /^\t\t(?!type )\S/.test(line)).length,
    ]),
  );
}

/** True when exactly these elements are there. */
export function holds(
  { elements }: Listing,
  expected: ReadonlyMap<string, ReadonlySet<string>>,
): boolean {
  if (elements.size !== expected.size) return false;
  for (const [name, found] of elements) {
    const wanted = expected.get(name);
    if (!wanted || found.length !== wanted.size) return false;
    if (!found.every((element) => wanted.has(element))) return false;
  }
  return true;
}
