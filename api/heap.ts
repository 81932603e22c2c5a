/**
 * Deno's flags for the API. What a request leaves behind is dead with its answer; by default V8 lets 16 MB of that
 * come together three times over before it looks, and keeps the room.
 */
export const heapFlags = "--v8-flags=--max-semi-space-size=4";
