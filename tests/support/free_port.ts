/** Below those that the kernel gives to whoever asks for any. */
const [lowest, blockSize, blocks] = [20_000, 100, 120];

/**
 * A block of ports that no other test file takes, in whatever process: its first port is listened at until this one
 * ends. Claimed before there is a test, of which the listener would be a leak.
 */
function claimBlock(): { first: number; claim: Deno.Listener } {
  const start = Math.floor(Math.random() * blocks);
  for (let n = 0; n < blocks; n++) {
    const first = lowest + (start + n) % blocks * blockSize;
    const claim = listenAt(first);
    if (claim) return { first, claim };
  }
  throw new Error("every block of ports is taken");
}

/** Undefined where somebody else does. */
function listenAt(port: number): Deno.Listener | undefined {
  try {
    return Deno.listen({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (!(error instanceof Deno.errors.AddrInUse)) throw error;
  }
}

const { first, claim } = claimBlock();
claim.unref();
let given = 0;

/**
 * A TCP port of loopback that was free a moment ago, and that is given to nobody else: neither before a process that is
 * told to listen there does, nor while one that listened there is down.
 */
export function freePort(): number {
  for (let n = 1; n < blockSize; n++) {
    const port = first + 1 + given++ % (blockSize - 1);
    using listener = listenAt(port);
    if (listener) return port;
  }
  throw new Error("every port of the block is taken");
}
