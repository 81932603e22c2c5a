export { refuseBeyondOwn } from "./policy.ts";
export { findRole, insertUserRole } from "./store.ts";
