import { createHash } from "node:crypto";
import { join } from "node:path";

/** Linux takes 107 bytes for the path of a socket, and `postgres/.s.PGSQL.5432.lock` must fit. */
const longest = 107 - "/postgres/.s.PGSQL.5432.lock".length;

/**
 * Where the sockets of a data folder are: `<data>/run`, or a short path of its own where that would be too long.
 * @param root absolute path of the data folder
 * @param uid of whoever runs `./massacorp up` on it
 */
export function socketFolder(root: string, uid: number | null): string {
  const own = join(root, "run");
  if (new TextEncoder().encode(own).length <= longest) return own;
  const name = createHash("sha256").update(root).digest("hex").slice(0, 16);
  return uid === 0 ? `/run/massacorp/${name}` : `/tmp/massacorp-${uid}-${name}`;
}
