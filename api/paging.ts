import { z } from "@hono/zod-openapi";
import { invalidField } from "./errors.ts";

/** The query of a list. @param cursor what `next_cursor` of the page before may be */
export function pageQuery<S extends z.ZodType>(cursor: S) {
  return z.object({
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: cursor.optional(),
  });
}

/** A page of a list; `next_cursor` is null on the last one. */
export function pageOf<S extends z.ZodType>(item: S) {
  return z.object({ items: z.array(item), next_cursor: z.string().nullable() });
}

/**
 * What a list answers, of rows that were asked for with one more than the page holds: that one says that there is more.
 * @param as.more whether it is known that there is more, though fewer rows came than were asked for
 * @param as.cursor where the next page goes on, after the last row of this one
 */
export function page<Row, View>(
  rows: readonly Row[],
  as: { limit: number; more?: boolean; view: (row: Row) => View; cursor: (row: Row) => string },
): { items: View[]; next_cursor: string | null } {
  const shown = rows.slice(0, as.limit);
  const last = shown.at(-1);
  return {
    items: shown.map(as.view),
    next_cursor: last && (as.more || rows.length > as.limit) ? as.cursor(last) : null,
  };
}

/** A cursor that clients pass on and do not read, so that it may change. */
export function opaque(text: string): string {
  return new TextEncoder().encode(text).toBase64({ alphabet: "base64url", omitPadding: true });
}

/**
 * What such a cursor stands for; null for the first page.
 * @param read makes a place in the list of the text, or undefined or an error of one that is none
 * @throws {ApiError} `invalid_input`
 */
export function readCursor<Place>(
  cursor: string | undefined,
  read: (text: string) => Place | undefined,
): Place | null {
  if (cursor === undefined) return null;
  try {
    const bytes = Uint8Array.fromBase64(cursor, { alphabet: "base64url" });
    const place = read(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (place !== undefined) return place;
  } catch {
    // Answered below like any other text that is no cursor.
  }
  throw invalidField("cursor", "invalid_cursor", "is not a cursor of this list as it is asked for");
}
