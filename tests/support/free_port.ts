/**
 * A TCP port of loopback that was free a moment ago, and that the kernel gives to nobody: below those that it takes for
 * whoever asks for any, of which another test could have it before a process that is told to listen there does.
 */
export function freePort(): number {
  const [lowest, count] = [20_000, 12_000];
  for (;;) {
    const port = lowest + Math.floor(Math.random() * count);
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}
