import { z } from "@hono/zod-openapi";
import type { TenantSql } from "../../database/tenancy.ts";
import type { Deps } from "../../deps.ts";
import { invalidField } from "../../errors.ts";
import { type Gateway, readGatewayState } from "./store.ts";

/** The query of what is about one gateway. */
export const gatewayQuery = z.object({
  gateway_id: z.coerce.number().int().min(1).max(32767).optional().openapi({
    description: "The gateway meant; where absent, the one beside the API process that answers",
  }),
});

/**
 * The number of the gateway that is meant, and how it is where that is not the own one.
 * @param caller.isOperator to whom retired ones are known, too
 * @throws {ApiError} `invalid_input` for one that there is not
 */
export async function askedGateway(
  deps: Pick<Deps, "settings">,
  sql: TenantSql,
  asked: number | undefined,
  caller: { isOperator: boolean } = { isOperator: false },
): Promise<{ id: number; other: Gateway | null }> {
  const { interfaceId } = deps.settings;
  if (asked === undefined || asked === interfaceId) return { id: interfaceId, other: null };
  const other = await readGatewayState(sql, asked);
  if (!other || (other.state === "retired" && !caller.isOperator)) {
    throw invalidField("gateway_id", "unknown", "there is no such gateway");
  }
  return { id: asked, other };
}
