import type { Deps } from "./deps.ts";
import { describeApi } from "./document/mod.ts";
import { ApiError } from "./errors.ts";
import { auditFeature } from "./features/audit/mod.ts";
import { apiKeysFeature } from "./features/api_keys/mod.ts";
import { authFeature } from "./features/auth/mod.ts";
import { baseFeature, infoFeature } from "./features/base/mod.ts";
import { docsFeature } from "./features/docs/mod.ts";
import { encryptionFeature } from "./features/encryption/mod.ts";
import { explainFeature } from "./features/explain/mod.ts";
import { tunnelStatusFeature } from "./features/tunnel_status/mod.ts";
import { gatewaysFeature } from "./features/gateways/mod.ts";
import { heldKeysFeature } from "./features/held_keys/mod.ts";
import { mfaFeature } from "./features/mfa/mod.ts";
import { deliveriesFeature, ownPeers, peersFeature, tenantPeers } from "./features/peers/mod.ts";
import { operationsFeature } from "./features/operations/mod.ts";
import { permissionsFeature, rolesFeature } from "./features/roles/mod.ts";
import { pagesFeature } from "./features/pages/mod.ts";
import { passwordResetFeature } from "./features/password_reset/mod.ts";
import { registrationFeature } from "./features/registration/mod.ts";
import { sessionsFeature } from "./features/sessions/mod.ts";
import { tenantsFeature } from "./features/tenants/mod.ts";
import { transferFeature } from "./features/transfer/mod.ts";
import { tunnelPolicyFeature } from "./features/tunnel_policy/mod.ts";
import { usersFeature } from "./features/users/mod.ts";
import { limitBody, readText } from "./middleware/body.ts";
import { compress } from "./middleware/compress.ts";
import { crossOrigin } from "./middleware/cors.ts";
import { trustedHosts } from "./middleware/hosts.ts";
import { httpsOnly } from "./middleware/https.ts";
import { coarseLimit, limit, tellLimit } from "./middleware/limit.ts";
import { requestId } from "./middleware/request_id.ts";
import { securityHeaders } from "./middleware/security_headers.ts";
import { shed } from "./middleware/shed.ts";
import { source } from "./middleware/source.ts";
import { tunnel } from "./middleware/tunnel.ts";
import { createRouter, type Router } from "./openapi.ts";
import { handleError, problemResponse } from "./problem.ts";

/** The whole HTTP interface; every listener serves this same app and says in its bindings which one it is. */
export function createApp(deps: Deps): Router {
  const app = createRouter();
  app.onError(handleError);
  app.notFound((c) => problemResponse(c, new ApiError("not_found")));

  // What a request meets, in this order. Those that write on every answer stand outside of those that refuse.
  app.use(source(deps));
  app.use(requestId(deps));
  app.use(securityHeaders(deps));
  app.use(tellLimit(deps));
  app.use(trustedHosts(deps));
  app.use(httpsOnly(deps));
  app.use(crossOrigin(deps));
  app.use(limitBody);
  app.use(coarseLimit(deps));
  app.use("/api/*", tunnel(deps));
  app.use(readText);
  app.use(shed());
  app.use(compress);
  // Tenant, authentication, the limit of who was proven and his permission, then the JSON of the body: what an operation spreads of
  // access.ts.

  app.route("/", pagesFeature(deps));
  app.route("/", docsFeature(deps));
  app.route("/", baseFeature(deps));
  app.route("/", operationsFeature(deps));
  app.route("/api/v1", infoFeature(deps));
  app.route("/api/v1/auth", authFeature(deps));
  app.route("/api/v1/mfa", mfaFeature(deps));
  app.route("/api/v1/encryption", encryptionFeature(deps));
  app.route("/api/v1/auth", registrationFeature(deps));
  app.route("/api/v1/password-reset", passwordResetFeature(deps));
  app.route("/api/v1/sessions", sessionsFeature(deps));
  app.route("/api/v1/api-keys", apiKeysFeature(deps));
  app.route("/api/v1/users", usersFeature(deps));
  app.route("/api/v1/roles", rolesFeature(deps));
  app.route("/api/v1/permissions", permissionsFeature(deps));
  app.route("/api/v1/tenants", tenantsFeature(deps));
  app.route("/api/v1/audit", auditFeature(deps));
  app.route("/api/v1/wireguard/peers", peersFeature(deps, tenantPeers));
  app.route("/api/v1/wireguard/me/peers", peersFeature(deps, ownPeers));
  app.route("/api/v1/wireguard/deliveries", deliveriesFeature(deps));
  app.route("/api/v1/wireguard/gateways", gatewaysFeature(deps));
  app.route("/api/v1/wireguard/held-keys", heldKeysFeature(deps));
  app.route("/api/v1/wireguard", explainFeature(deps));
  app.route("/api/v1/wireguard", transferFeature(deps));
  app.route("/api/v1/wireguard", tunnelPolicyFeature(deps));
  app.route("/api/v1/wireguard", tunnelStatusFeature(deps));

  app.use("/openapi.json", limit(deps, "anonymous"));
  // Made when it is first asked for: most processes never are.
  let document: string | undefined;
  app.get("/openapi.json", (c) => {
    document ??= JSON.stringify(describeApi(app, deps));
    return c.body(document, 200, { "Content-Type": "application/json" });
  });
  return app;
}
