/** What became of a policy on one gateway. */
export interface GatewayOutcome {
  gateway_id: number;
  name: string;
  status: "applied" | "pending" | "rejected";
  error: string | null;
}

/**
 * Of the whole: in force where every gateway says so that the tenant has peers on, and rejected where one rejects
 * it, with the words of all that do. What nobody has said anything of is pending.
 */
export function overall(each: readonly GatewayOutcome[]): Pick<GatewayOutcome, "status" | "error"> {
  const rejections = each.filter(({ status }) => status === "rejected");
  if (rejections.length > 0) {
    const texts = rejections.map(({ gateway_id, name, error }) =>
      each.length > 1 ? `gateway ${gateway_id} (${name}): ${error}` : error ?? ""
    );
    return { status: "rejected", error: texts.join("; ") };
  }
  const applied = each.length > 0 && each.every(({ status }) => status === "applied");
  return { status: applied ? "applied" : "pending", error: null };
}

export interface PolicyWarning {
  path: string;
  code: "same_gateway_only";
  message: string;
}

/**
 * Gateways do not route to one another: what a policy cannot open for the peers of another one.
 * @param homes gateways that the tenant has permanent peers on
 * @param services the gateway of each service's peer
 */
export function unreached(
  policy: { peerToPeer: boolean; services: readonly number[] },
  homes: readonly number[],
): PolicyWarning[] {
  const code = "same_gateway_only" as const;
  const warnings: PolicyWarning[] = [];
  if (policy.peerToPeer && homes.length > 1) {
    const message = `peers reach those of their own gateway alone; there are some on ${
      homes.join(", ")
    }`;
    warnings.push({ path: "peer_to_peer", code, message });
  }
  policy.services.forEach((gateway, at) => {
    const others = homes.filter((home) => home !== gateway);
    if (others.length === 0) return;
    const message = `it is on gateway ${gateway}: peers on ${others.join(", ")} do not reach it`;
    warnings.push({ path: `services.${at}`, code, message });
  });
  return warnings;
}
