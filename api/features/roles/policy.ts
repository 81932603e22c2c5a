import type { Permission } from "../../auth/permissions.ts";
import type { Principal } from "../../context.ts";
import { ApiError } from "../../errors.ts";

/**
 * Nobody gives what he does not have, and nobody decides over somebody who may do more than he. The operator,
 * who could change the database itself, may all.
 * @throws {ApiError} `grant_exceeds_own`
 */
export function refuseBeyondOwn(
  principal: Principal | undefined,
  wanted: Iterable<Permission>,
): void {
  if (principal?.kind === "operator") return;
  for (const permission of wanted) {
    if (!principal?.permissions.has(permission)) {
      throw new ApiError("grant_exceeds_own", {
        detail: `this takes ${permission}, which you do not have`,
      });
    }
  }
}
