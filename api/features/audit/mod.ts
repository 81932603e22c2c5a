import type { Deps } from "../../deps.ts";
import { createRouter, type Router } from "../../openapi.ts";
import { exportEntries } from "./export_entries.ts";
import { getEntries } from "./list_entries.ts";
import { getVerification } from "./verify_chain.ts";

/** `/api/v1/audit`: what happened in the tenant, for its own eyes. */
export function auditFeature(deps: Deps): Router {
  const router = createRouter();
  getEntries(router, deps);
  exportEntries(router, deps);
  getVerification(router, deps);
  return router;
}
