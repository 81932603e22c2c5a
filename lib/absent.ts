/** For `.catch(absent)`: a file that is not there is undefined, and every other failure stays one. */
export function absent(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}

/** Whether there is something of that name, be it a link that leads nowhere. */
export async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).catch(absent) !== undefined;
}
