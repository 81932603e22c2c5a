import { tmpdir } from "node:os";

/** Below those that the kernel takes for whoever asks for any. */
const [lowest, count] = [20_000, 12_000];

/**
 * A TCP port of loopback that was free a moment ago, and that nobody else is given: the kernel gives none of these, and
 * tests, in whatever process and thread, take turns through them. Two that chose at random would now and then choose
 * the same before either listens there.
 */
export function freePort(): number {
  const path = `${tmpdir()}/massacorp-test-ports-${Deno.uid()}`;
  using file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 });
  // Goes with the file's end.
  file.lockSync(true);
  const text = new Uint8Array(8);
  const size = file.readSync(text) ?? 0;
  let turn = size > 0
    ? Number(new TextDecoder().decode(text.subarray(0, size)))
    : Math.floor(Math.random() * count);
  for (;;) {
    turn = (turn + 1) % count;
    const port = lowest + turn;
    try {
      using _listener = Deno.listen({ hostname: "127.0.0.1", port });
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
      continue;
    }
    file.seekSync(0, Deno.SeekMode.Start);
    file.writeSync(new TextEncoder().encode(String(turn).padStart(8)));
    return port;
  }
}
