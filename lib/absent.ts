/** For `.catch(absent)`: a file that is not there is undefined, and every other failure stays one. */
export function absent(error: unknown): undefined {
  if (error instanceof Deno.errors.NotFound) return undefined;
  throw error;
}
