/**
 * Deno's flags for the API. What a request leaves behind is dead with its answer; by default V8 lets 16 MB of that
 * come together three times over before it looks, and keeps the room. So little is looked through by one thread: to
 * wake others for it, and to wait for them, costs more than they do where the cores have other work. What was kept for
 * long is looked at each time that it has grown by half, where V8 would let it grow to several times of what lives.
 */
export const heapFlags =
  "--v8-flags=--max-semi-space-size=4,--no-parallel-scavenge,--heap-growing-percent=50";
