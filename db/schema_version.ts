/** What a database says of its schema to every role, as the comment of the schema `public`. */
export interface SchemaVersion {
  /** The newest migration that it has. */
  newest: string;
  /** Code that lacks this migration cannot work with it; null where any released code can. */
  needs: string | null;
}

/** A migration that takes something away from the code before it says so in a line of its own, with its reason. */
export const contractMarker = /^-- contract: \S.*$/m;

const form = /^MassaCorp's, up to ([a-z0-9_]+)(?:; for code that has ([a-z0-9_]+))?$/;

/**
 * What the schema's comment says: how far it was migrated, and the newest contraction in it.
 * @throws {RangeError} for a migration whose name {@link parseVersion} would not read
 */
export function describeVersion(
  applied: readonly string[],
  known: readonly { id: string; sql: string }[],
): string {
  const newest = applied.toSorted().at(-1) ?? "none";
  const needs = known.filter(({ id, sql }) => applied.includes(id) && contractMarker.test(sql))
    .map(({ id }) => id).toSorted().at(-1);
  const text = `MassaCorp's, up to ${newest}${needs ? `; for code that has ${needs}` : ""}`;
  if (!form.test(text)) throw new RangeError(`a migration has the name ${newest} or ${needs}`);
  return text;
}

/** Undefined where it says nothing: nobody has migrated it yet. */
export function parseVersion(comment: string | null): SchemaVersion | undefined {
  const [, newest, needs = null] = form.exec(comment ?? "") ?? [];
  return newest === undefined ? undefined : { newest, needs };
}

/** Why code whose newest migration is `own` cannot work with a schema; undefined where it can. */
export function whyUnfit({ newest, needs }: SchemaVersion, own: string): string | undefined {
  if (newest < own) {
    return `the database's schema ends with ${newest}, and this version needs ${own}: migrate it first`;
  }
  if (needs !== null && own < needs) {
    return `the database's schema is for code that has ${needs}, and this version ends with ${own}: bring a newer version`;
  }
  return undefined;
}
