/**
 * Deno's flags for the daemon. V8 would rather let its heap grow than collect: with 10,000 peers the process then
 * takes twice the memory, for nothing that it does faster (docs/decisions/0013-cheap-passes.md).
 */
export const heapFlags = "--v8-flags=--optimize-for-size,--max-semi-space-size=4";
